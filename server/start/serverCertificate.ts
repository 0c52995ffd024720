/** The TLS certificate of a server: opened at the start, and read again when the operator asks for it. */
import type { Log } from '../../shared/log.js';
import {
	type Certificate,
	type CertificateError,
	readCertificate,
	readPem,
	reloadCertificate,
} from '../http/certificate.js';
import type { Ops } from '../ops/ops.js';
import type { CheckedOptions } from '../options/checkOptions.js';
import { OptionError } from '../options/optionError.js';
import type { App } from './app.js';

function certificateFiles({ settings: { 'tls-cert': cert, 'tls-key': key } }: CheckedOptions) {
	return cert === undefined || key === undefined ? undefined : { cert, key };
}

/**
 * Reads the certificate, if there is one. If only one of the two settings names a file, only that file is checked.
 * @throws OptionError if a file cannot be used
 */
export async function openCertificate(checked: CheckedOptions): Promise<Certificate | undefined> {
	const files = certificateFiles(checked);
	const onlyFile = checked.settings['tls-cert'] ?? checked.settings['tls-key'];
	try {
		if (files) return await readCertificate(files);
		if (onlyFile !== undefined) await readPem(onlyFile);
		return undefined;
	} catch (error) {
		const { message, faults } = error as CertificateError;
		throw new OptionError(message, faults);
	}
}

/** Makes `reloadCertificate` of the server. */
export function certificateReloader(
	checked: CheckedOptions,
	{ app, ops, log }: { app: App; ops: Ops; log: Log },
): () => Promise<boolean> {
	const files = certificateFiles(checked);
	const replace = (certificate: Certificate) => {
		app.setCertificate(certificate);
		ops.setCertificate('server', certificate.cert);
	};
	return async () => {
		if (files) return reloadCertificate(files, replace, log);
		log.info({}, 'There is no TLS certificate to read again');
		return false;
	};
}
