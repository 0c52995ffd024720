/**
 * The fields of a room that clients receive (test/contract/beyond.md E13, E14), and the events of changed documents
 * (test/contract/rocketchat-e2e.md 10.2).
 */
import { expect } from 'chai';
import { partialClientRoom } from '../../methods/model/rooms/clientRoom.js';
import { dropCachedSetting } from '../../methods/model/settings/workspace.js';
import { publishChange } from '../../methods/streams/publishChange.js';
import type { Room } from '../../shared/documents.js';
import type { EventPayloads } from '../../shared/events.js';
import { runBefore } from '../support/interrupt.js';
import { addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { eachTestWithStore } from '../support/store.js';

const ROOM: Room = {
	_id: 'r',
	t: 'p',
	name: 'room',
	encrypted: true,
	e2eKeyId: 'k',
	usersWaitingForE2EKeys: [{ userId: 'u', ts: new Date(0) }],
	e2eToggled: { encrypted: true, by: { _id: 'u' }, at: new Date(0) },
	e2eStale: { since: new Date(0), reason: 'member-left' },
	e2eReset: { id: 'i', userId: 'u', keyId: 'k', until: new Date(0) },
};

describe('a room as clients see it', () => {
	it('has all fields except those of a reset in progress', () => {
		const { e2eReset, ...rest } = ROOM;
		expect(partialClientRoom(ROOM, true)).to.deep.equal(rest);
	});

	it('has no field of encryption if E2E_Enable is off (E13)', () => {
		expect(partialClientRoom(ROOM, false)).to.deep.equal({ _id: 'r', t: 'p', name: 'room' });
		expect(ROOM).to.include({ encrypted: true, e2eKeyId: 'k' });
	});

	it('contains who switched encryption on or off (E14)', () => {
		expect(partialClientRoom(ROOM, true).e2eToggled).to.deep.equal(ROOM.e2eToggled);
	});
});

describe('the announcement of an account', () => {
	const test = eachTestWithStore();
	const SECRETS = { e2e: { public_key: 'p', private_key: 'PRIVATE' }, requirePasswordChange: true };

	async function notified(action: 'updated' | 'removed', _id: string, readers: readonly string[]) {
		const events: EventPayloads['notify'][] = [];
		await publishChange({ collection: 'users', action, document: { _id } }, test.store, {
			eventsWithReaders: () => new Map(readers.map((id) => [`${id}/userData`, true])),
			notify: (event) => void events.push(event),
			roomsReadBy: () => new Set(),
			reauthorize: async () => {},
			reauthorizeAll: async () => {},
		});
		return events;
	}

	it('sends the user only published fields, and the names of those that the account lacks (10.2)', async () => {
		const { id, username } = await addPerson(test.store, { name: 'Alice', status: 'away', ...SECRETS });
		expect(await notified('updated', id, [id, 'other'])).to.deep.equal([
			{
				stream: 'notify-user',
				eventName: `${id}/userData`,
				args: [
					{
						type: 'updated',
						id,
						diff: { username, name: 'Alice', roles: ['user'], active: true, status: 'away' },
						unset: { emails: 1, profile: 1, settings: 1 },
					},
				],
			},
		]);
	});

	it('sends that the account was removed (10.2)', async () => {
		const [{ args }] = (await notified('removed', 'gone', ['gone'])) as [EventPayloads['notify']];
		expect(args).to.deep.equal([{ type: 'removed', id: 'gone' }]);
	});

	it('checks again which events of rooms the user may read, even if the profile cannot be read', async () => {
		const checked: unknown[] = [];
		const store = runBefore(test.store, 'users', 'findOne', () => Promise.reject(new Error('the store is away')));
		const published = publishChange({ collection: 'users', action: 'updated', document: { _id: 'u' } }, store, {
			eventsWithReaders: () => new Map([['u/userData', true]]),
			notify: () => {},
			roomsReadBy: () => new Set('r'),
			reauthorize: async (selected) => void checked.push(selected),
			reauthorizeAll: async () => {},
		});
		expect((await rejection(published as Promise<void>)).message).to.equal('the store is away');
		expect(checked).to.deep.equal([{ userId: 'u' }]);
	});

	it('notifies nobody else', async () => {
		const { id } = await addPerson(test.store, SECRETS);
		expect(await notified('updated', id, ['other'])).to.deep.equal([]);
	});
});

describe('the announcement of a membership', () => {
	const test = eachTestWithStore();

	it('does not contain the note that an owner is leaving', async () => {
		const events: EventPayloads['notify'][] = [];
		const membership = { _id: 's', rid: 'r', u: { _id: 'u' }, departures: [{ id: 'd', until: new Date(0) }] };
		await publishChange({ collection: 'subscriptions', action: 'updated', document: membership }, test.store, {
			eventsWithReaders: () => new Map(),
			notify: (event) => void events.push(event),
			roomsReadBy: () => new Set(),
			reauthorize: async () => {},
			reauthorizeAll: async () => {},
		});
		expect(events.map(({ args }) => args)).to.deep.equal([['updated', { _id: 's', rid: 'r', u: { _id: 'u' } }]]);
	});
});

describe('the announcement of a room', () => {
	const test = eachTestWithStore();
	let members: Person[];
	let rid: string;

	beforeEach(async () => {
		members = [await addPerson(test.store), await addPerson(test.store), await addPerson(test.store)];
		rid = await addRoom(test.store, members, { encrypted: true, e2eKeyId: 'k' });
	});

	/** Announces the room to the readers of these events. */
	async function announced(eventNames: string[], fields: Partial<Room> = {}) {
		const notified: EventPayloads['notify'][] = [];
		const room = { ...(await test.store.rooms.findOne({ _id: rid })), ...fields } as Room;
		const read = new Map(eventNames.map((name) => [name, true]));
		await publishChange({ collection: 'rooms', action: 'updated', document: room }, test.store, {
			eventsWithReaders: () => read,
			notify: (event) => void notified.push(event),
			roomsReadBy: () => new Set(),
			reauthorize: async () => {},
			reauthorizeAll: async () => {},
		});
		return notified;
	}

	/**
	 * Names of events: `rooms-changed` of two members, another event of the third member, and `rooms-changed` of users who
	 * are no members.
	 * @param otherCount number of these users
	 */
	const subscribedEvents = (otherCount: number) => [
		...members.slice(1).map(({ id }) => `${id}/rooms-changed`),
		`${members[0]?.id}/subscriptions-changed`,
		...Array.from({ length: otherCount }, (_, i) => `other-${i}/rooms-changed`),
	];

	// The members are found through the memberships or through the subscribers, whichever are fewer. The result must be
	// the same.
	for (const [what, otherCount, usersCount] of [
		['with few subscribers', 0, 3],
		['with more subscribers than members', 20, 3],
		['with an unknown number of members', 20, undefined],
	] as const) {
		it(`notifies the subscribed members and publishes to room-data ${what} (10.2)`, async () => {
			const notified = await announced(subscribedEvents(otherCount), usersCount === undefined ? {} : { usersCount });
			expect(notified.map(({ stream, eventName }) => `${stream} ${eventName}`)).to.have.members([
				`room-data ${rid}`,
				...members.slice(1).map(({ id }) => `notify-user ${id}/rooms-changed`),
			]);
		});
	}

	it('contains no field of encryption while E2E_Enable is off (E13)', async () => {
		await test.store.settings.insertOne({ _id: 'E2E_Enable', value: false });
		dropCachedSetting(test.store, 'E2E_Enable');
		const notified = await announced(subscribedEvents(0));
		expect(notified).to.have.length(3);
		for (const { args } of notified) expect(args.at(-1)).to.not.have.any.keys('encrypted', 'e2eKeyId');
	});

	it('never contains a join code, or the token of a visitor', async () => {
		const secret = { joinCode: 'secret', v: { token: 'secret' }, name: 'shown' };
		const notified = await announced(subscribedEvents(0), secret as Partial<Room>);
		expect(JSON.stringify(notified)).to.include('shown').and.not.include('secret');
	});

	it('never contains a reset in progress', async () => {
		const notified = await announced(subscribedEvents(0), { e2eReset: ROOM.e2eReset as never });
		expect(notified).to.have.length(3);
		for (const { args } of notified) {
			expect(args.at(-1)).to.include({ e2eKeyId: 'k' }).and.not.have.property('e2eReset');
		}
	});
});
