/** Which users are notified of which operation, over real DDP (test/contract/rocketchat-e2e.md 10.4). */
import { expect } from 'chai';
import type { Room } from '../../shared/documents.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import type { Frame, RawClient } from '../support/ddp.js';
import { identity, sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';

const LISTENERS = ['owner', 'member', 'stranger'] as const;
type Name = (typeof LISTENERS)[number] | 'admin';

interface World {
	readonly people: Readonly<Record<Name, Person>>;
	readonly app: TestApp;
	/** A room whose key `k` the owner holds and the member lacks. */
	readonly rid: string;
	/** Changes fields of the room, without an event. */
	readonly changeRoom: (fields: Partial<Room>) => Promise<unknown>;
	/** Changes fields of the member's membership, without an event. */
	readonly changeMembership: (fields: object) => Promise<unknown>;
}

interface Row {
	readonly title: string;
	readonly beforeSubscribe?: (world: World) => Promise<unknown>;
	/** Changes the store without events. */
	readonly afterSubscribe?: (world: World) => Promise<unknown>;
	readonly caller: Name;
	readonly call: (world: World) => readonly [method: string, ...params: unknown[]];
	/** The events that the owner and the member receive, in any order. */
	readonly owner?: readonly string[];
	readonly member?: readonly string[];
}

const MEMBERSHIP = 'subscriptions-changed updated';
const ROOM = 'rooms-changed updated';

const queued = ({ changeRoom, people }: World) =>
	changeRoom({ usersWaitingForE2EKeys: [{ userId: people.member.id, ts: new Date() }] });
const offered = ({ changeMembership }: World) => changeMembership({ E2ESuggestedKey: sealed('k') });
const queuedAndOffered = async (world: World) => {
	await queued(world);
	await offered(world);
};

const rows: Row[] = [
	{
		title: 'setRoomKeyID sends the room to all members',
		afterSubscribe: ({ app, rid }) =>
			app.store.rooms.updateOne({ _id: rid }, { $unset: { e2eKeyId: 1 } }, { silent: true }),
		caller: 'owner',
		call: ({ rid }) => ['e2e.setRoomKeyID', rid, 'k'],
		owner: [ROOM],
		member: [ROOM],
	},
	{
		title: 'setRoomKeyID that comes too late sends the room with the queued caller',
		caller: 'member',
		call: ({ rid }) => ['e2e.setRoomKeyID', rid, 'other'],
		owner: [ROOM],
		member: [ROOM],
	},
	{
		title: 'setUserPublicAndPrivateKeys sends the rooms in whose queues the user is put',
		afterSubscribe: ({ app, people }) =>
			app.store.users.updateOne({ _id: people.member.id }, { $unset: { e2e: 1 } }, { silent: true }),
		caller: 'member',
		call: () => ['e2e.setUserPublicAndPrivateKeys', { public_key: 'public', private_key: 'private key of new' }],
		owner: [ROOM],
		member: [ROOM],
	},
	{
		title: 'updateGroupKey for oneself by a queued user sends the own membership and the room',
		afterSubscribe: queued,
		caller: 'member',
		call: ({ rid, people }) => ['e2e.updateGroupKey', rid, people.member.id, sealed('k')],
		owner: [ROOM],
		member: [MEMBERSHIP, ROOM],
	},
	{
		title: 'updateGroupKey for oneself by a user who is not queued sends the own membership',
		caller: 'member',
		call: ({ rid, people }) => ['e2e.updateGroupKey', rid, people.member.id, sealed('k')],
		member: [MEMBERSHIP],
	},
	{
		title: 'updateGroupKey for another member sends that member the membership',
		afterSubscribe: queued,
		caller: 'owner',
		call: ({ rid, people }) => ['e2e.updateGroupKey', rid, people.member.id, sealed('k')],
		member: [MEMBERSHIP],
	},
	{
		title: 'acceptSuggestedGroupKey by a queued user sends the own membership and the room',
		afterSubscribe: queuedAndOffered,
		caller: 'member',
		call: ({ rid }) => ['e2e.acceptSuggestedGroupKey', rid],
		owner: [ROOM],
		member: [MEMBERSHIP, ROOM],
	},
	{
		title: 'rejectSuggestedGroupKey by a user who is not queued sends the own membership and the room',
		afterSubscribe: offered,
		caller: 'member',
		call: ({ rid }) => ['e2e.rejectSuggestedGroupKey', rid],
		owner: [ROOM],
		member: [MEMBERSHIP, ROOM],
	},
	{
		title: 'rejectSuggestedGroupKey by a queued user sends the own membership',
		afterSubscribe: queuedAndOffered,
		caller: 'member',
		call: ({ rid }) => ['e2e.rejectSuggestedGroupKey', rid],
		member: [MEMBERSHIP],
	},
	{
		title: 'provideUsersSuggestedGroupKeys sends the room, and the membership to each user with an offer',
		afterSubscribe: queued,
		caller: 'owner',
		call: ({ rid, people }) => [
			'e2e.provideUsersSuggestedGroupKeys',
			{ [rid]: [{ _id: people.member.id, key: sealed('k') }] },
		],
		owner: [ROOM],
		member: [MEMBERSHIP, ROOM],
	},
	{
		title: 'requestSubscriptionKeys sends e2e.keyRequest to the members of the room',
		caller: 'member',
		call: () => ['e2e.requestSubscriptionKeys'],
		owner: ['e2e.keyRequest k'],
		member: ['e2e.keyRequest k'],
	},
	{
		title: 'resetRoomKey sends the room, and each changed membership to its user',
		afterSubscribe: ({ changeMembership }) => changeMembership({ E2EKey: sealed('k') }),
		caller: 'owner',
		call: ({ rid }) => ['e2e.resetRoomKey', rid, sealed('new'), 'new'],
		owner: [MEMBERSHIP, ROOM],
		member: [MEMBERSHIP, ROOM],
	},
	{
		title: 'resetUserE2EKey sends the user each own membership that had a key',
		afterSubscribe: ({ changeMembership }) => changeMembership({ E2EKey: sealed('k') }),
		caller: 'admin',
		call: ({ people }) => ['e2e.resetUserE2EKey', people.member.id],
		member: [MEMBERSHIP],
	},
	{
		title: 'resetUserE2EKey sends the rooms whose queues change',
		afterSubscribe: queued,
		caller: 'admin',
		call: ({ people }) => ['e2e.resetUserE2EKey', people.member.id],
		owner: [ROOM],
		member: [ROOM],
	},
	{
		title: 'groups.invite sends the room, the new member the membership, and others e2e.keyRequest',
		beforeSubscribe: ({ app, rid, people }) => app.store.subscriptions.deleteOne({ rid, 'u._id': people.member.id }),
		caller: 'owner',
		call: ({ rid, people }) => ['groups.invite', rid, '', people.member.id],
		owner: [ROOM, 'e2e.keyRequest k'],
		member: ['subscriptions-changed inserted', ROOM],
	},
	{
		title: 'getUsersOfRoomWithoutKey sends no event',
		caller: 'member',
		call: ({ rid }) => ['e2e.getUsersOfRoomWithoutKey', rid],
	},
];

describe('the events of each call (10.4)', () => {
	let app: TestApp;
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp();
	});
	after(() => app.close());

	async function newWorld(): Promise<World> {
		const person = (name: string) => addPerson(app.store, identity(name));
		const people = {
			owner: await person('owner'),
			member: await person('member'),
			stranger: await person('stranger'),
			admin: await addPerson(app.store, { roles: ['admin'] }),
		};
		const rid = await addRoom(app.store, [people.member], { encrypted: true, e2eKeyId: 'k' });
		await addMember(app.store, rid, people.owner, { E2EKey: sealed('k'), roles: ['owner'] });
		await addRoom(app.store, [people.stranger, people.member]);
		return {
			people,
			app,
			rid,
			changeRoom: (fields) => app.store.rooms.updateOne({ _id: rid }, { $set: fields }, { silent: true }),
			changeMembership: (fields) =>
				app.store.subscriptions.updateOne({ rid, 'u._id': people.member.id }, { $set: fields }, { silent: true }),
		};
	}

	async function connect(as: Person): Promise<RawClient> {
		const client = await clients.connect(app.webSocketUrl);
		await client.call('login', { resume: as.token });
		return client;
	}

	/** The frames before the answer to a ping, or before the socket is closed. */
	async function framesSoFar(client: RawClient): Promise<Frame[]> {
		const frames: Frame[] = [];
		client.send({ msg: 'ping', id: 'end' });
		for (;;) {
			const frame = await client.next().catch(() => null);
			if (!frame || frame.msg === 'pong') return frames;
			frames.push(frame);
		}
	}

	/** Subscribes to the user's own events, and to requests for the room's key, which a stranger may not read. */
	async function listen(as: Person, rid: string): Promise<RawClient> {
		const client = await connect(as);
		for (const [id, name, eventName] of [
			['memberships', 'stream-notify-user', `${as.id}/subscriptions-changed`],
			['rooms', 'stream-notify-user', `${as.id}/rooms-changed`],
			['asked', 'stream-notify-room', `${rid}/e2e.keyRequest`],
		])
			client.send({ msg: 'sub', id, name, params: [eventName, false] });
		const answers = (await client.take(3)).map(({ msg, id, subs }) => `${msg} ${id ?? subs}`);
		expect(answers.slice(0, 2)).to.deep.equal(['ready memberships', 'ready rooms']);
		expect(answers[2]).to.be.oneOf(['ready asked', 'nosub asked']);
		return client;
	}

	/** An event as text, such as `rooms-changed updated`. */
	function summaryOf({ fields }: Frame, { rid }: World): string {
		const { eventName, args } = fields as { eventName: string; args: [unknown, { _id: string; rid?: string }?] };
		const [, document] = args;
		if (document) expect([document._id, document.rid]).to.include(rid);
		return `${eventName.split('/')[1]} ${args[0]}`;
	}

	for (const { title, beforeSubscribe, afterSubscribe, caller, call, ...notified } of rows) {
		it(title, async () => {
			const world = await newWorld();
			await beforeSubscribe?.(world);
			const listening = new Map<Name, RawClient>();
			for (const name of LISTENERS) listening.set(name, await listen(world.people[name], world.rid));
			await afterSubscribe?.(world);
			const [method, ...params] = call(world);
			// The `updated` of the call comes when all clients have been notified.
			await (await connect(world.people[caller])).call(method, ...params);
			for (const name of LISTENERS) {
				const frames = await framesSoFar(listening.get(name) as RawClient);
				const received = frames.filter(({ msg }) => msg === 'changed').map((frame) => summaryOf(frame, world));
				const expected = name === 'stranger' ? [] : (notified[name] ?? []);
				expect(received, name).to.have.members(expected);
				const text = JSON.stringify(frames);
				expect(text).to.not.match(/private key|private_key|services|loginTokens|hashedToken|bcrypt/);
				for (const { token } of Object.values(world.people)) expect(text).to.not.include(token);
			}
		});
	}
});
