/** The publications `a` and `b`, whose publish functions each test sets. */
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { type PublicationContext, publication } from '../../shared/publication.js';
import type { Frame, RawClient } from './ddp.js';

export type PublishFunction = (context: PublicationContext, params: readonly unknown[]) => unknown;

/** By the name of the publication. */
export const publishFunctions = new Map<string, PublishFunction>();

export const settablePublications = ['a', 'b'].map((name) =>
	publication({
		name,
		summary: 'for a test',
		anonymous: true,
		args: { one: Match.Any, two: Match.Any },
		run: ({ one, two }, context) => publishFunctions.get(name)?.(context, [one, two]),
	}),
);

export const echo = method({
	name: 'echo',
	summary: 'for a test',
	anonymous: true,
	args: { value: Match.Any },
	run: ({ value }) => value,
});

/** Sets the user of the connection to any id. */
export const setUser = method({
	name: 'setUser',
	summary: 'for a test',
	anonymous: true,
	changesUser: true,
	args: { id: Match.Any },
	async run({ id }, context) {
		await context.setUserId(id as string);
		return id;
	},
});

/** Sets the publish function and subscribes. @returns the frames that follow */
export function subscribe(client: RawClient, run: PublishFunction, id = 's', name = 'a'): Promise<Frame[]> {
	publishFunctions.set(name, run);
	client.send({ msg: 'sub', id, name, params: [1, 2] });
	return client.untilEcho();
}

/** The answers to a subscription with the id `s`. */
export const READY = { msg: 'ready', subs: ['s'] };
export const NOSUB = { msg: 'nosub', id: 's' };
export const INTERNAL = {
	isClientSafe: true,
	error: 500,
	reason: 'Internal server error',
	message: 'Internal server error [500]',
	errorType: 'Meteor.Error',
};

/** A promise that `open` resolves. A test holds a function with it, or is notified by it. */
export function gate(): { opened: Promise<void>; open(): void } {
	let open = () => {};
	const opened = new Promise<void>((resolve) => {
		open = resolve;
	});
	return { opened, open };
}
