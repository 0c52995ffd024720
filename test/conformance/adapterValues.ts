/** The values that methods of Roomkey's adapter return and throw, by their names in README.md of this folder. */
import { ClientError } from '../../shared/errors.js';

const cyclic: unknown[] = [];
cyclic.push(cyclic);

/** What `conformance.value` returns, by its argument `kind`. */
export const VALUES: Readonly<Record<string, () => unknown>> = {
	undefined: () => undefined,
	null: () => null,
	function: () => () => 1,
	symbol: () => Symbol('value'),
	promise: () => Promise.resolve(1),
	thenable: () => ({
		// biome-ignore lint/suspicious/noThenProperty: an object that is awaited like a promise is what a case is about
		then: (resolve: (value: unknown) => void) => resolve(1),
	}),
	cycle: () => cyclic,
	bigint: () => 1n,
	'undefined member': () => ({ a: undefined, b: 1 }),
	'undefined element': () => [undefined, 1],
	error: () => new ClientError('code', 'reason', { d: 1 }),
};

/** What `conformance.throw` throws, and `conformance.reject` rejects with, by the argument `kind`. */
export const THROWN: Readonly<Record<string, () => unknown>> = {
	error: () => new Error('secret'),
	string: () => 'secret',
	number: () => 5,
	object: () => ({ error: 'code', reason: 'secret' }),
	undefined: () => undefined,
	null: () => null,
	false: () => false,
	array: () => [new ClientError('code', 'secret')],
	subclass: () => new (class Special extends ClientError {})('code', 'reason', { d: 1 }),
	'client-safe object': () => ({ isClientSafe: true, error: 'code', reason: 'reason', message: 'secret', more: 1 }),
	sanitized: () => Object.assign(new Error('secret'), { sanitizedError: new ClientError('code', 'reason') }),
	'sanitized unsafe': () => Object.assign(new Error('secret'), { sanitizedError: new Error('secret') }),
	'date in details': () =>
		new ClientError('code', 'reason', { when: new Date(0), none: undefined, much: Number.POSITIVE_INFINITY }),
};
