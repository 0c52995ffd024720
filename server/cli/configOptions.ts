/** The settings of the command as options of `createServer`, and their check before anything is opened. */
import { asProgramSettings, checkServerOptions } from '../options/checkOptions.js';
import { type Faults, OptionError } from '../options/kinds.js';
import type { ServerOptions, StoreOption } from '../options/serverOptions.js';
import type { StoreChoice } from '../store/open.js';
import type { Config, Setting } from './config.js';

/** The options of the server that `roomkey serve` starts. */
export function optionsOf({ store, ...settings }: Config): ServerOptions {
	const programSettings = { ...asProgramSettings(settings), keys: true };
	// `demo` includes a store in memory, and contradicts `store`.
	return settings.demo ? programSettings : { ...programSettings, store: storeOption(store) };
}

function storeOption(choice: StoreChoice): StoreOption {
	if (choice.kind === 'memory') return { memory: true };
	return choice.kind === 'files' ? { data: choice.folder } : { mongoUrl: choice.url };
}

/**
 * Finds settings that are valid one by one but contradict each other, limits of methods that do not exist, and files of a
 * TLS certificate that cannot be used.
 * @param faults receives the faults
 */
export async function findContradictions(
	{ config, settings }: { readonly config: Config; readonly settings: readonly Setting[] },
	faults: Faults,
): Promise<void> {
	faults.try(() => checkServerOptions(optionsOf(config)));
	const { limits, 'tls-cert': cert, 'tls-key': key } = config;
	if (Object.keys(limits).length > 0) {
		const { from } = settings.find(({ name }) => name === 'limits') as Setting;
		const [{ methods }, { withLimits }] = await Promise.all([
			import('../../methods/index.js'),
			import('../catalogue.js'),
		]);
		faults.try(() => withLimits(methods, limits, from));
	}
	if (cert === undefined || key === undefined) return;
	const { readCertificate, CertificateError } = await import('../http/certificate.js');
	const fault = await readCertificate({ cert, key }).then(
		() => undefined,
		(error) => error,
	);
	faults.try(() => {
		if (fault instanceof CertificateError) throw new OptionError(fault.message, fault.faults);
	});
}
