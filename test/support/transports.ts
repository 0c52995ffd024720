/** Clients over DDP and over REST, with one interface. */
import { DDPSDK } from '@rocket.chat/ddp-client';
import { WebSocket } from 'ws';
import type { Person } from './people.js';
import { headersOf, post, request } from './rest.js';

// biome-ignore lint/suspicious/noExplicitAny: tests compare what a server sends, whatever its type
export type Wire = any;

/** A client that is logged in. */
export interface TransportClient {
	/** The id of its user. */
	readonly id: string;
	/** Calls a method. Over DDP the arguments become parameters, in the order of the object. */
	call(name: string, args?: Record<string, unknown>): Promise<Wire>;
	/**
	 * The user's membership in a room. Over DDP, waits for an event with a membership for which `accepts` returns true.
	 * Over REST, reads the membership once, and throws if `accepts` returns false.
	 */
	membership(rid: string, accepts: (membership: Wire) => boolean): Promise<Wire>;
	close(): void;
}

/** As in a browser, a failed connection without a listener does not throw. */
export class BrowserWebSocket extends WebSocket {
	constructor(url: string) {
		super(url);
		this.on('error', () => {});
	}
}

/** The methods whose arguments are one object over DDP. */
const OBJECTS = ['e2e.setUserPublicAndPrivateKeys'];

async function overDdp(url: string, { id, token }: Person): Promise<TransportClient> {
	Object.assign(globalThis, { WebSocket: BrowserWebSocket });
	const sdk = DDPSDK.create(url);
	await sdk.connection.connect();
	await sdk.account.loginWithToken(token);
	const memberships = new Map<string, Wire>();
	let onMembership = () => {};
	await sdk
		.stream('notify-user', `${id}/subscriptions-changed`, (_action: string, membership: Wire) => {
			memberships.set(membership.rid, membership);
			onMembership();
		})
		.ready();
	return {
		id,
		call: (name, args = {}) => sdk.client.callAsync(name, ...(OBJECTS.includes(name) ? [args] : Object.values(args))),
		async membership(rid, accepts) {
			while (!accepts(memberships.get(rid) ?? {})) {
				await new Promise<void>((resolve) => {
					onMembership = resolve;
				});
			}
			return memberships.get(rid);
		},
		close: () => sdk.connection.close(),
	};
}

/** The methods that REST calls by GET. */
const GETS = [
	'e2e.roomState',
	'e2e.fetchMyKeys',
	'e2e.getUsersOfRoomWithoutKey',
	'e2e.fetchUsersWaitingForGroupKey',
	'subscriptions.getOne',
];

function queryOf(args: Record<string, unknown>): string {
	const members = Object.entries(args).flatMap(([name, value]) =>
		[value].flat().map((one) => `${name}=${encodeURIComponent(String(one))}`),
	);
	return members.join('&');
}

async function overRest(url: string, person: Person): Promise<TransportClient> {
	const client: TransportClient = {
		id: person.id,
		async call(name, args = {}) {
			const address = `${url}/api/v1/${name}`;
			const { status, body } = GETS.includes(name)
				? await request(`${address}?${queryOf(args)}`, { headers: headersOf(person) })
				: await post(address, person, args);
			if (status !== 200) throw new Error(`${name}: ${status} ${JSON.stringify(body)}`);
			return body;
		},
		async membership(rid, accepts) {
			const { subscription: membership } = await client.call('subscriptions.getOne', { roomId: rid });
			if (!accepts(membership)) throw new Error('the membership is not as it should be');
			return membership;
		},
		close() {},
	};
	return client;
}

export const transports = {
	'over DDP, with @rocket.chat/ddp-client': overDdp,
	'over REST': overRest,
};
