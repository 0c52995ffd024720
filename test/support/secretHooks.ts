/** Fails a run in which a secret of a test was found in the log of a server. */
import { leakedSecrets } from './secrets.js';

export const mochaHooks = {
	afterAll(): void {
		const leaked = leakedSecrets();
		if (leaked.length > 0) throw new Error(`Secrets in the log:\n${leaked.join('\n')}`);
	},
};
