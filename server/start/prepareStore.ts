/** Writes what must be in the store before the first call. */
import type { Log } from '../../shared/log.js';
import type { Store } from '../../shared/store.js';
import { isDuplicateKey } from '../../shared/storeErrors.js';
import type { CheckedOptions } from '../options/checkOptions.js';
import { OptionError } from '../options/optionError.js';

/** @throws OptionError if the name or the e-mail of the first admin belongs to another user */
export async function prepareStore(store: Store, { settings, parts }: CheckedOptions, log: Log): Promise<void> {
	if (settings.demo) {
		const { fillDemo } = await import('./demo.js');
		await fillDemo(store);
		if (!isLoopback(settings.host))
			log.warn({ host: settings.host }, 'The demo has users with public passwords, and other machines can reach it');
	}
	for (const [_id, roles] of Object.entries(parts.permissions ?? {})) {
		await store.permissions.insertOne({ _id, roles: [...roles] }).catch((error) => {
			// A permission that exists stays as it is: an admin may have changed it.
			if (!isDuplicateKey(error)) throw error;
		});
	}
	const { 'admin-username': username, 'admin-pass': password, 'admin-email': email } = settings;
	if (password === undefined) return;
	const { makeFirstAdmin } = await import('../../methods/model/users/firstAdmin.js');
	const outcome = await makeFirstAdmin(store, { username, password, email });
	if (outcome === 'made') log.info({ audit: true, username }, 'There was no admin, so one was created');
	if (outcome === 'taken') {
		throw new OptionError('ADMIN_USERNAME or ADMIN_EMAIL belongs to a user who is not an admin; choose another');
	}
}

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || /^127\./.test(host);
