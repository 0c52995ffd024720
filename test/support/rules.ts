/** Opens Roomkey with rate limit rules and a fake clock. */
import { mock } from 'node:test';
import type { Caller } from '../../server/core/caller.js';
import type { RateEvent, RateMessage, RateOutcome, RateRule } from '../../shared/limit.js';
import { method } from '../../shared/method.js';
import { openRoomkey, type TestRoomkey } from './roomkey.js';

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;

export const methods = [
	...['one', 'two'].map((name) => method({ ...anyone, name, run: () => 'done' })),
	method({ ...anyone, name: 'callsOne', run: (_args, context) => context.call('one') }),
	method({ ...anyone, name: 'limited', limit: { calls: 2, per: 1000 }, run: () => 'done' }),
];

/** A caller over DDP, whose connection has the id `connection`; with `connection` null, over REST. */
export function callerFrom(
	userId: string | null,
	clientAddress: string | null,
	connection: string | null,
): Partial<Caller> {
	return { userId, clientAddress, ...(connection !== null && { connectionId: connection }) };
}

export const alice = callerFrom('alice', '1.2.3.4', 'a');

/** A rule for every call, unless `rule` restricts it, and a record of the calls of its callback. */
export function recordingRule(rule: Partial<RateRule> = {}) {
	const received: [RateOutcome, RateEvent][] = [];
	return {
		received,
		rule: { matcher: {}, ...rule, callback: (...args) => void received.push(args) } satisfies RateRule,
	};
}

export interface RoomkeyWithRules extends TestRoomkey {
	/** Makes a call. Returns its result, or the code of its error. */
	answer(caller: Partial<Caller>, name: string): Promise<unknown>;
	/** Makes a call, by default of `one` by alice. Returns whether a rate limit refuses it. */
	isRefused(caller?: Partial<Caller>, name?: string): Promise<boolean>;
	/** Errors in the log. */
	errors(): string[];
}

export async function openWithRules(
	limits: readonly RateRule[],
	limitMessage?: RateMessage,
	rateLimit: 'on' | 'dry-run' = 'on',
): Promise<RoomkeyWithRules> {
	const roomkey = await openRoomkey(methods, { rateLimit, limits, ...(limitMessage && { limitMessage }) });
	// Enabled after the store is open, because opening a database needs real timers.
	mock.timers.enable({ apis: ['setTimeout', 'Date'] });
	const answer: RoomkeyWithRules['answer'] = (caller, name) =>
		roomkey.callAs(caller, name).catch(({ error }: { error: unknown }) => error);
	return {
		...roomkey,
		answer,
		isRefused: async (caller = alice, name = 'one') => (await answer(caller, name)) === 'too-many-requests',
		errors: () => roomkey.log.lines.filter(({ level }) => level === 'error').map(({ text }) => text),
		async close() {
			mock.timers.reset();
			await roomkey.close();
		},
	};
}
