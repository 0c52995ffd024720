/** The certificate of `--tls-cert` and `--tls-key`, which can be replaced while the server runs. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Log } from '../../shared/log.js';
import { explainUnreadable, isDenied } from '../dataFolder/access.js';

/** The paths of the PEM files of a certificate. */
export interface CertificateFiles {
	/** The certificate, then those of the authorities between it and the root. */
	readonly cert: string;
	readonly key: string;
}

/** The contents of the files of a certificate. */
export interface Certificate {
	readonly cert: string;
	readonly key: string;
}

/** A certificate that cannot be used. The message names the file and contains nothing of the key. */
export class CertificateError extends Error {
	override readonly name = 'CertificateError';

	constructor(readonly faults: readonly string[]) {
		super(faults.join('; '));
	}
}

/** Reads a file in PEM form. @throws CertificateError if it cannot be read, or is incomplete */
export async function readPem(path: string): Promise<string> {
	const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
		const reason = isDenied(error) ? explainUnreadable(path) : (error.code ?? 'unknown error');
		throw new CertificateError([`${path} cannot be read: ${reason}`]);
	});
	// OpenSSL ignores a last certificate whose `-----BEGIN` line is cut off.
	const [, ...blockEnds] = text.split(/-----END [A-Z0-9 ]+-----/);
	const afterLastBlock = blockEnds.at(-1);
	if (afterLastBlock === undefined || /^-/m.test(afterLastBlock))
		throw new CertificateError([`${path} is not a complete PEM file`]);
	return text;
}

/** Reads a certificate and its key. @throws CertificateError if they cannot be used */
export async function readCertificate({ cert: certPath, key: keyPath }: CertificateFiles): Promise<Certificate> {
	const results = await Promise.allSettled([readPem(certPath), readPem(keyPath)]);
	const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
	if (failures.length > 0) {
		// A set, because both paths can name the same file.
		const faults = new Set(failures.flatMap((error) => (error as CertificateError).faults));
		throw new CertificateError([...faults]);
	}
	const [cert, key] = results.map((result) => (result as PromiseFulfilledResult<string>).value) as [string, string];
	try {
		createSecureContext({ cert, key });
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		throw new CertificateError([`${certPath} and ${keyPath} are not a certificate and its key (${code ?? 'no code'})`]);
	}
	return { cert, key };
}

/**
 * The earliest time at which a certificate in a PEM text expires. Certificates of authorities count too: clients
 * reject a certificate if that of its authority has expired.
 * @returns seconds since 1970; undefined if there is no certificate, or an unreadable one
 */
export function expiryOf(pem: string): number | undefined {
	const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
	try {
		const times = blocks.map((block) => Date.parse(new X509Certificate(block).validTo) / 1000);
		return times.length === 0 ? undefined : Math.min(...times);
	} catch {
		return undefined;
	}
}

/** Logs which certificate is in use. Warns if this certificate, or one of an authority in its file, has expired. */
export function logCertificate(log: Log, { cert }: Certificate): void {
	const { subject, subjectAltName, validTo, fingerprint256 } = new X509Certificate(cert);
	const facts = { subject, names: subjectAltName, validTo, fingerprint256 };
	const expiry = expiryOf(cert);
	if (Date.parse(validTo) <= Date.now()) log.warn(facts, 'The TLS certificate has expired');
	else if (expiry !== undefined && expiry * 1000 <= Date.now())
		log.warn(facts, 'The TLS certificate is valid, but one of its authorities in the file has expired');
	else log.info(facts, 'TLS certificate loaded');
}

/**
 * Reads the files again, for new connections. If the files cannot be used, logs an error and keeps the present
 * certificate.
 * @returns whether the certificate was replaced
 */
export async function reloadCertificate(
	files: CertificateFiles,
	replace: (certificate: Certificate) => void,
	log: Log,
): Promise<boolean> {
	try {
		const certificate = await readCertificate(files);
		replace(certificate);
		logCertificate(log, certificate);
		return true;
	} catch (err) {
		log.error({ err }, 'The new TLS certificate cannot be used; the one in use stays');
		return false;
	}
}
