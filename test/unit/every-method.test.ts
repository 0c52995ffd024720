/**
 * Calls every method as every kind of caller, also with odd arguments. A method must answer or refuse, but never fail.
 * It must reveal no secret.
 */
import { inspect } from 'node:util';
import { expect } from 'chai';
import { methods } from '../../methods/index.js';
import { canonical } from '../../shared/ejson.js';
import type { Method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { WITH_AUTHENTICATOR, withMail } from '../support/factors.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

/** Time for all calls with odd arguments together, in ms. */
const BUDGET_MS = 2500;
/** In ms. Finds calls that never end. */
const MAX_CALL_MS = 20_000;
/** Maximum number of store operations in one call. Finds calls that retry for ever. */
const MAX_OPERATIONS = 10_000;

const SEED = Number(process.env.ROOMKEY_TEST_FUZZ_SEED ?? Date.now() % 2 ** 31);

/** Mulberry32, a generator of random numbers from 0 to 1. */
function randomFrom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}

function nested(depth: number): unknown {
	let value: unknown = 'x';
	for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { a: value };
	return value;
}

/** Has an own key `__proto__`, as the body of an HTML form may have it. In JSON, the server refuses this key. */
const proto = JSON.parse('{"__proto__": ["admin"]}');

const ODD: readonly unknown[] = [
	undefined,
	null,
	true,
	false,
	0,
	-0,
	-1,
	1,
	50,
	2 ** 31,
	2 ** 53,
	1.5,
	Number.NaN,
	Number.POSITIVE_INFINITY,
	'',
	' ',
	'\n',
	'\0',
	'\ud800',
	'__proto__',
	'constructor',
	'toString',
	'$where',
	'a.b',
	'.*',
	'x'.repeat(1_000_000),
	'ä'.repeat(5000),
	new Date(0),
	new Date(Number.NaN),
	new Date(8.64e15),
	new Uint8Array([1, 2, 3]),
	/x/i,
	[],
	[[]],
	[null],
	[''],
	['__proto__', 'constructor'],
	Array.from({ length: 10_000 }, (_, i) => `item-${i}`),
	{},
	{ $ne: null },
	{ $gt: '' },
	{ toString: 1 },
	{ length: 3 },
	{ callee: 1, length: 2 ** 31 },
	{ $Uint8ArrayPolyfill: 1, length: 2 ** 31 },
	{ a: { b: { c: [1] } } },
	proto,
	nested(100),
	Object.assign(Object.create(null), { a: 1 }),
];

/** Names of fields that no answer and no event may contain. */
const SECRET_FIELDS = [
	'services',
	'bcrypt',
	'hashedToken',
	'loginTokens',
	'totp',
	'secret',
	'hashedBackup',
	'usedStep',
	'email2fa',
	'emailCode',
	'e2eRekeying',
	'e2eQueueing',
	'e2eReset',
	'departures',
];

const OPTIONAL_FLAGS: ReadonlySet<string> = new Set([
	...['verified', 'requirePasswordChange', 'setRandomPassword', 'joinDefaultChannels', 'sendWelcomeEmail'],
	...['confirmRelinquish', 'excludeSelf', 'readOnly'],
]);
const OPTIONAL_TEXTS: ReadonlySet<string> = new Set([
	...['bio', 'nickname', 'roomTopic', 'roomDescription', 'roomAnnouncement'],
	...['username3', 'username4', 'username5', 'username6', 'username7', 'username8', 'username9'],
]);

describe('every method', () => {
	let roomkey: TestRoomkey;
	let people: Record<string, Person | null>;
	let rids: string[];
	const random = randomFrom(SEED);
	const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;

	let operations = 0;

	before(async () => {
		roomkey = await openRoomkey(undefined, {}, (store) => counted(store));
	});
	after(() => roomkey.close());

	/** Makes a store fail after `MAX_OPERATIONS`. A loop that never waits would block the timer of `MAX_CALL_MS`. */
	function counted(real: Store): Store {
		const wrap = (collection: object) =>
			new Proxy(collection, {
				get(target, name) {
					if (++operations > MAX_OPERATIONS) throw new Error('This call makes too many operations on the store');
					return Reflect.get(target, name);
				},
			});
		return new Proxy(real, { get: (target, name) => wrap(Reflect.get(target, name)) });
	}

	/** Makes the people and rooms anew, because some calls delete them. */
	async function populate(): Promise<void> {
		const { store } = roomkey;
		for (const { deleteMany } of [store.users, store.rooms, store.subscriptions, store.trash]) await deleteMany({});
		roomkey.log.lines.length = 0;
		const person = (name: string, fields: object = {}) =>
			addPerson(store, {
				_id: `id-of-${name}`,
				username: name,
				emails: [{ address: `${name}@example.com`, verified: true }],
				e2e: { public_key: `public key of ${name}`, private_key: `PRIVATE KEY OF ${name}` },
				...fields,
			});
		const stranger = await person('stranger');
		const invited = await person('invited');
		const member = await person('member');
		const owner = await person('owner', { services: WITH_AUTHENTICATOR });
		const admin = await person('root', { roles: ['admin', 'user'] });
		// A second admin, because calls cannot delete or deactivate the only one.
		await person('spare', { roles: ['admin'] });
		const bot = await person('bot', { roles: ['bot'] });
		const guest = await person('guest', { roles: ['guest'], services: await withMail('123456') });
		const roleless = await person('roleless', { roles: [] });
		const withoutUsername = await person('withoutUsername');
		await store.users.updateOne({ _id: withoutUsername.id }, { $unset: { username: 1 } });
		const deleted = await person('deleted');
		await store.users.deleteOne({ _id: deleted.id });
		people = { nobody: null, stranger, invited, member, owner, admin, bot, guest, roleless, withoutUsername, deleted };
		rids = [];
		for (const t of ['p', 'c', 'd', 'p'] as const) {
			const rid = await addRoom(store, [], {
				_id: `room-${rids.length}`,
				t,
				...(t === 'd' ? { uids: [owner.id, member.id] } : { name: `room-${rids.length}` }),
				encrypted: t !== 'c',
				e2eKeyId: 'key-1',
				usersCount: 3,
			});
			rids.push(rid);
			const departures = [{ id: 'interrupted', until: new Date(0) }];
			await addMember(store, rid, owner, { t, roles: ['owner'], departures, E2EKey: `key-1 of owner ${rid}` });
			await addMember(store, rid, member, { t, E2ESuggestedKey: 'key-1 for member' });
			await addMember(store, rid, invited, { t, status: 'INVITED' });
			if (t === 'p') await addMember(store, rid, bot, { t });
		}
	}

	/** A value that methods accept for this argument. Some optional arguments are undefined at random. */
	function acceptedArgument(name: string): unknown {
		const optional = <T>(value: T) => (random() < 0.5 ? value : undefined);
		const who = pick(Object.values(people));
		const makers: Record<string, () => unknown> = {
			rid: () => pick(rids),
			roomId: () => pick(rids),
			roomName: () => pick([...rids, 'new-name']),
			roomIds: () => rids,
			userId: () => who?.id,
			uid: () => who?.id,
			username: () => who?.username,
			user: () => who?.username,
			usernames: () => [who?.username ?? 'member', 'member'],
			userIds: () => [who?.id ?? 'x'],
			members: () => ['member', 'bot'],
			name: () => `room-${Math.floor(random() * 1e6)}`,
			key: () => `key-${random()}`,
			e2eKey: () => `key-${random()}`,
			e2eKeyId: () => `id-${random()}`,
			keyID: () => 'key-2',
			keyId: () => 'key-1',
			eventName: () => `${pick(rids)}/e2ekeyRequest`,
			settings: () => ({ roomTopic: 'x', encrypted: random() < 0.5 }),
			keys: () => ({ public_key: `public ${random()}`, private_key: 'PRIVATE KEY', force: true }),
			usersSuggestedGroupKeys: () => ({ [pick(rids)]: [{ _id: 'id-of-member', key: `key-${random()}` }] }),
			data: () => ({ name: 'Somebody' }),
			permissions: () => [{ _id: 'create-d', roles: ['user', 'admin'] }],
			extraData: () => ({ encrypted: true, topic: 'x' }),
			customFields: () => ({ a: { b: [1, new Date(1)] } }),
			_id: () => pick(['E2E_Enable', 'E2E_Enable,E2E_Enabled_Mentions', 'x']),
			email: () => `${Math.floor(random() * 1e6)}@example.com`,
			password: () => 'secret',
			oldPassword: () => 'secret',
			newPassword: () => 'secret 2',
			options: () => ({ user: { username: who?.username ?? 'x' }, password: 'guess' }),
			count: () => Math.floor(random() * 3),
			offset: () => Math.floor(random() * 3),
			confirm: () => true,
			encrypted: () => random() < 0.5,
			active: () => true,
			updatedSince: () => new Date(0),
			updatedAt: () => new Date(0),
			message: () => ({ rid: pick(rids), msg: 'text' }),
			value: () => true,
			activeStatus: () => true,
			tokenId: () => 'id-of-token',
			username1: () => who?.username,
			username2: () => optional('member'),
			roles: () => optional(['bot']),
			filter: () => optional('member'),
		};
		if (OPTIONAL_FLAGS.has(name)) return optional(true);
		if (OPTIONAL_TEXTS.has(name)) return optional('text');
		if (!(name in makers)) throw new Error(`Give an accepted value for arguments named '${name}' in acceptedArgument`);
		return makers[name]?.();
	}

	/** An odd value, or an accepted value with an odd value in one place. */
	function odd(name: string): unknown {
		const value = acceptedArgument(name);
		if (Array.isArray(value) && random() < 0.5) return [...value, pick(ODD)];
		if (typeof value === 'object' && value !== null && !(value instanceof Date) && random() < 0.7) {
			const key = pick([
				...Object.keys(value),
				'constructor',
				'x',
				'password',
				'username',
				'roles',
				'customFields',
				'encrypted',
			]);
			return Object.fromEntries([...Object.entries(value), [key, random() < 0.3 ? [{ [key]: pick(ODD) }] : pick(ODD)]]);
		}
		return pick(ODD);
	}

	function textOf(value: unknown): string {
		return value === undefined ? '' : canonical({ value });
	}

	function requireNoSecret(what: string, caller: Person | null, value: unknown): void {
		const text = textOf(value);
		for (const field of SECRET_FIELDS) expect(text, `${what} reveals ${field}`).to.not.include(`"${field}":`);
		const others = Object.values(people).filter((person) => person && person.id !== caller?.id);
		for (const other of others) {
			expect(text, `${what} reveals a private key`).to.not.include(`PRIVATE KEY OF ${other?.username}`);
			expect(text, `${what} reveals a token`).to.not.include(other?.token);
		}
	}

	async function call(name: string, caller: Person | null, params: unknown[], kind: string): Promise<void> {
		const shown = inspect(params, {
			depth: 4,
			maxArrayLength: 5,
			maxStringLength: 50,
			breakLength: Number.POSITIVE_INFINITY,
		});
		const what = `seed ${SEED}: ${kind} calls ${name} ${shown}`;
		/** What the checks of events throw. The bus would only log it. */
		const faults: unknown[] = [];
		const record = (check: () => void) => {
			try {
				check();
			} catch (fault) {
				faults.push(fault);
			}
		};
		const stops = [
			roomkey.bus.on('changed', ({ collection, document }) => {
				if (collection === 'users') record(() => expect(Object.keys(document), what).to.deep.equal(['_id']));
			}),
			roomkey.bus.on('notify', (event) => record(() => requireNoSecret(`${what}, by an event,`, null, event))),
		];
		operations = 0;
		try {
			const answer = await Promise.race([
				roomkey.callAs({ userId: caller?.id ?? null, setUserId: () => {} }, name, ...params),
				new Promise((_resolve, reject) => {
					setTimeout(() => reject(new Error(`${what} takes too long`)), MAX_CALL_MS).unref();
				}),
			]);
			requireNoSecret(what, caller, answer);
		} catch (thrown) {
			const { error, errorType, details } = thrown as Record<string, unknown>;
			if (errorType === undefined) throw thrown;
			const cause = roomkey.log.lines.findLast(({ level }) => level === 'error')?.facts as { err?: Error } | undefined;
			expect(error, `${what} fails: ${cause?.err?.stack}`).to.not.equal(500);
			requireNoSecret(`${what}, by its error,`, caller, { message: (thrown as Error).message, details });
		} finally {
			for (const stop of stops) stop();
		}
		if (faults.length > 0) throw faults[0];
	}

	const paramsOf = ({ args }: Method, oddIndex: number | null) =>
		args.map(([arg], i) => (i === oddIndex ? odd(arg) : acceptedArgument(arg)));

	it(`answers or refuses any arguments of any caller, and reveals no secret (ROOMKEY_TEST_FUZZ_SEED=${SEED})`, async () => {
		for (const method of methods) {
			await populate();
			for (const [kind, caller] of Object.entries(people)) {
				if (method.args.length > 0) await call(method.name, caller, [], kind);
				await call(method.name, caller, paramsOf(method, null), kind);
			}
		}
		const end = performance.now() + BUDGET_MS;
		for (let i = 0; performance.now() < end; i++) {
			if (i % 200 === 0) await populate();
			const method = pick(methods);
			const [kind, caller] = pick(Object.entries(people));
			const oddIndex = Math.floor(random() * (method.args.length + 1));
			const areAllOdd = oddIndex === method.args.length;
			const params = areAllOdd ? method.args.map(([arg]) => odd(arg)) : paramsOf(method, oddIndex);
			await call(method.name, caller, params, kind);
		}
	});
});
