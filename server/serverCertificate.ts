/** The TLS certificate of a server: opened at the start, and read again when the operator asks for it. */
import type { Log } from '../shared/log.js';
import type { App } from './app.js';
import { type Certificate, type CertificateError, readCertificate, reloadCertificate } from './http/certificate.js';
import type { Ops } from './ops/ops.js';
import type { CheckedOptions } from './options/checkOptions.js';
import { OptionError } from './options/kinds.js';

/** The files of `--tls-cert` and `--tls-key`. */
function certificateFiles({ settings: { 'tls-cert': cert, 'tls-key': key } }: CheckedOptions) {
	return cert === undefined || key === undefined ? undefined : { cert, key };
}

/** Reads the certificate, if there is one. @throws OptionError if it cannot be used */
export async function openCertificate(checked: CheckedOptions): Promise<Certificate | undefined> {
	const files = certificateFiles(checked);
	return (
		files &&
		readCertificate(files).catch(({ message, faults }: CertificateError) =>
			Promise.reject(new OptionError(message, faults)),
		)
	);
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
