import type { Config } from './config.js';

/** Refuses limits of methods that do not exist, before anything is opened. @throws OptionError */
export async function requireKnownLimits({ limits }: Pick<Config, 'limits'>): Promise<void> {
	if (Object.keys(limits).length === 0) return;
	const [{ methods }, { withLimits }] = await Promise.all([
		import('../../methods/index.js'),
		import('../catalogue.js'),
	]);
	withLimits(methods, limits);
}
