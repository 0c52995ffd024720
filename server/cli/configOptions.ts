/** The settings of the command as options of `createServer`, and their check before anything is opened. */
import { asProgramSettings, checkServerOptions } from '../options/checkOptions.js';
import { Faults } from '../options/kinds.js';
import type { ServerOptions, StoreOption } from '../options/serverOptions.js';
import type { StoreChoice } from '../store/open.js';
import type { Config } from './config.js';

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
 * Refuses settings that are valid one by one but contradict each other, and limits of methods that do not exist.
 * @throws OptionError that names all faults
 */
export async function requireConsistent(config: Config): Promise<void> {
	const faults = new Faults();
	faults.try(() => checkServerOptions(optionsOf(config)));
	const { limits } = config;
	if (Object.keys(limits).length > 0) {
		const [{ methods }, { withLimits }] = await Promise.all([
			import('../../methods/index.js'),
			import('../catalogue.js'),
		]);
		faults.try(() => withLimits(methods, limits));
	}
	faults.throwIfAny();
}
