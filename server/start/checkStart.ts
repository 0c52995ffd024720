/** Checks all that a server starts with, before anything is opened. */
import { type Catalogue, catalogueOf } from '../catalogue.js';
import type { Certificate } from '../http/certificate.js';
import { type CheckedOptions, readServerOptions } from '../options/checkOptions.js';
import { Faults } from '../options/faults.js';
import type { ServerOptions } from '../options/serverOptions.js';
import { openCertificate } from './serverCertificate.js';

/** What `checkStart` has checked and read. */
export interface CheckedStart {
	readonly checked: CheckedOptions;
	readonly catalogue: Catalogue;
	readonly certificate: Certificate | undefined;
}

/**
 * Checks the options of a server, its definitions, the limits by method, and the files of its TLS certificate.
 * @param faults the faults found before; the error names them too
 * @param limitsFrom where the limits by method come from, for the error text
 * @throws OptionError that names all faults
 */
export async function checkStart(
	options: ServerOptions,
	faults = new Faults(),
	limitsFrom?: string,
): Promise<CheckedStart> {
	const checked = readServerOptions(options, faults);
	const limits = knowsAllMethods(options, checked) ? checked.settings.limits : {};
	const catalogue = await faults.wait(catalogueOf(checked.parts, limits, limitsFrom));
	const certificate = await faults.wait(openCertificate(checked));
	faults.throwIfAny();
	return { checked, catalogue: catalogue as Catalogue, certificate };
}

/** Whether all options that add methods are valid. Otherwise the methods in `limits` cannot be checked. */
function knowsAllMethods(options: ServerOptions | null, { parts }: CheckedOptions): boolean {
	const names = ['methods', 'accounts', 'keys'] as const;
	return names.every((name) => (options?.[name] === undefined) === (parts[name] === undefined));
}
