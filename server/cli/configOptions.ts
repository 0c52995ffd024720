/** Converts the settings of the command to options of `createServer`, and checks them. */
import { asProgramSettings } from '../options/checkOptions.js';
import type { Faults } from '../options/faults.js';
import type { ServerOptions, StoreOption } from '../options/serverOptions.js';
import { type CheckedStart, checkStart } from '../start/checkStart.js';
import type { StoreChoice } from '../store/open.js';
import type { Config, ServerRequest } from './config.js';

function optionsOf({ store, ...settings }: Config): ServerOptions {
	const programSettings = { ...asProgramSettings(settings), keys: true };
	// `createServer` refuses `demo` together with `store`.
	return settings.demo ? programSettings : { ...programSettings, store: storeOption(store) };
}

function storeOption(choice: StoreChoice): StoreOption {
	if (choice.kind === 'memory') return { memory: true };
	return choice.kind === 'files' ? { data: choice.folder } : { mongoUrl: choice.url };
}

/**
 * @param faults the faults found so far, which the error names too
 * @throws OptionError that names all faults
 */
export function checkConfig({ config, settings }: ServerRequest, faults: Faults): Promise<CheckedStart> {
	const limitsFrom = settings.find(({ name }) => name === 'limits')?.from;
	return checkStart(optionsOf(config), faults, limitsFrom);
}
