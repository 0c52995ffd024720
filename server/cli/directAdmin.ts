/** Calls methods on a store that this process opens. */
import { keyService } from '../../methods/index.js';
import { hasActiveAdmin } from '../../methods/model/users/admins.js';
import { makeFirstAdmin } from '../../methods/model/users/firstAdmin.js';
import { isEmail, isUsername } from '../../methods/model/users/names.js';
import { isClientSafe, MatchError, toClientError } from '../../shared/errors.js';
import type { Log } from '../../shared/log.js';
import type { Store } from '../../shared/store.js';
import { StoreError } from '../../shared/storeErrors.js';
import { createBus } from '../cluster/bus.js';
import { createInvoker } from '../core/invoke.js';
import { createCallLog, logRevokedTokens } from '../ops/callLog.js';
import { storeLocation } from '../ops/startLog.js';
import { checkServerOptions } from '../options/checkOptions.js';
import { localUrl } from '../options/localUrl.js';
import { OptionError } from '../options/optionError.js';
import { options } from '../options/options.js';
import { appOptionsOf } from '../start/appOptions.js';
import { openStore, type StoreChoice } from '../store/open.js';
import { type Admin, type FirstAdminArgs, RefusedCall } from './admin.js';
import { CommandError } from './command.js';
import { firstAdminCommand } from './firstAdminCommand.js';

/**
 * Opens a store. Methods are then called on it as one of its admins.
 * @param log receives the audit events of the calls
 * @param inUseNote added to the error of a folder that a server is using
 * @throws StoreError
 */
export async function openAdmin(choice: StoreChoice, env: NodeJS.ProcessEnv, log: Log, inUseNote = ''): Promise<Admin> {
	// Only servers and `roomkey import` make the indexes of a database.
	const leavingIndexes = choice.kind === 'mongodb' ? ({ ...choice, indexes: 'leave' } as const) : choice;
	const opened = await openStore(leavingIndexes, log).catch((error) => {
		throw withServerHint(error, env, inUseNote);
	});
	const { store } = opened;
	const hasAdmin = await hasActiveAdmin(store).catch(async (error) => {
		await opened.close().catch(() => {});
		throw error;
	});
	const { settings } = appOptionsOf(checkServerOptions({ keys: true }));
	const bus = createBus(log);
	logRevokedTokens(bus, log);
	const observer = createCallLog(log, store);
	const invoker = createInvoker(keyService.methods, { store, bus, settings, log, observer });
	let adminId: string | undefined;

	async function call<T>(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<T> {
		adminId ??= await findAdmin(store, choice);
		const definition = invoker.get(name);
		if (!definition) throw new Error(`There is no method ${name}`);
		const params = definition.args.map(([key]) => args[key]);
		const address = { connection: null, clientAddress: null, transport: 'program' } as const;
		const caller = { userId: adminId, hashedToken: null, ...address };
		try {
			const answer = await invoker.invoke(name, params, caller);
			// Dates become text, as over REST.
			return JSON.parse(JSON.stringify(answer ?? {}));
		} catch (thrown) {
			if (thrown instanceof MatchError) throw new CommandError(thrown.message);
			if (!isClientSafe(thrown)) throw thrown;
			const { error, reason } = toClientError(thrown);
			throw new RefusedCall(error, reason ?? String(error));
		}
	}

	return {
		where: `Working on ${nameOfStore(choice)} directly`,
		call,
		createFirstAdmin: hasAdmin ? undefined : (admin) => createFirst(store, admin, log),
		close: () => opened.close(),
	};
}

function nameOfStore(choice: StoreChoice): string {
	return choice.kind === 'files' ? `the folder ${choice.folder}` : storeLocation(choice);
}

/** The id of an active admin. An operator who can open the store may act as any admin. */
async function findAdmin(store: Store, choice: StoreChoice): Promise<string> {
	const admin = await store.users.findOne({ roles: 'admin', active: { $ne: false } }, { projection: { _id: 1 } });
	if (!admin) throw new CommandError(`There is no admin yet. Make one with: ${firstAdminCommand(choice)}`);
	return admin._id;
}

async function createFirst(store: Store, admin: FirstAdminArgs, log: Log): Promise<void> {
	if (!isUsername(admin.username)) throw new OptionError('NAME must be letters, digits and any of . _ - only');
	if (admin.email !== undefined && !isEmail(admin.email)) throw new OptionError('--email must be an e-mail address');
	const outcome = await makeFirstAdmin(store, admin);
	if (outcome === 'taken') throw new CommandError('Another user, who is no admin, has this name or e-mail.');
	if (outcome === 'exists') throw new CommandError('Another process has just made the first admin.');
	log.info({ audit: true, username: admin.username }, 'There was no admin, so one was created');
}

function withServerHint(error: unknown, env: NodeJS.ProcessEnv, note: string): unknown {
	if (!(error instanceof StoreError) || error.code !== 'in-use') return error;
	const settings = {
		host: env.BIND_IP || undefined,
		'tls-cert': env.ROOMKEY_TLS_CERT || undefined,
		'path-prefix': env.ROOMKEY_PATH_PREFIX || undefined,
	};
	const url = localUrl(settings, env.PORT || options.port.default);
	return new StoreError(
		'in-use',
		`${error.message} Or work through the server at its address, for example with --url ${url}, and with an admin's token in ROOMKEY_TOKEN or with --login NAME${note}.`,
	);
}
