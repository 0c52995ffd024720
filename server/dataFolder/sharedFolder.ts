/** Checks a data folder that several processes may open at the same time. */
import { setTimeout as delay } from 'node:timers/promises';
import { assertIntact, hasManifest } from './manifest.js';
import { ownerOf } from './owner.js';

/** How long another process may take to make the files of a shared folder. */
const MAX_MAKING_MS = 5000;

const CHECK_EVERY_MS = 20;

/**
 * Checks a shared folder as `assertIntact` does. If the check of a folder without a manifest fails while another
 * process has claimed the folder, that process may still be making the files. Then the folder is checked again.
 */
export async function assertSharedIntact(path: string): Promise<void> {
	for (let waited = 0; ; waited += CHECK_EVERY_MS) {
		const hadManifest = hasManifest(path);
		try {
			return await assertIntact(path);
		} catch (error) {
			if (hadManifest || waited >= MAX_MAKING_MS) throw error;
			// The file that names the owner may be only half written.
			const owner = await ownerOf(path).catch(() => 'unknown');
			if (owner === undefined && !hasManifest(path)) throw error;
		}
		await delay(CHECK_EVERY_MS);
	}
}
