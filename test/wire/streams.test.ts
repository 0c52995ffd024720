/** Streams as Rocket.Chat's clients use them (test/contract/rocketchat-e2e.md section 10). */
import { expect } from 'chai';
import { stream } from '../../shared/stream.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import type { Frame, RawClient } from '../support/ddp.js';
import { addPerson, addRoom, type Person } from '../support/people.js';

const open = stream({ name: 'open', summary: 'for a test', mayRead: () => true });

describe('streams', () => {
	let app: TestApp;
	let alice: Person;
	let bob: Person;
	let stranger: Person;
	let rid: string;
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp({ streams: [open] });
		alice = await addPerson(app.store);
		bob = await addPerson(app.store);
		stranger = await addPerson(app.store);
	});
	after(() => app.close());
	beforeEach(async () => {
		rid = await addRoom(app.store, [alice, bob]);
	});

	async function connect(as: Person | null): Promise<RawClient> {
		const client = await clients.connect(app.webSocketUrl);
		if (as) await client.call('login', { resume: as.token });
		return client;
	}

	/** Subscribes with the id `<name>-<first parameter>`. @returns the next frame */
	async function subscribe(client: RawClient, name: string, ...params: unknown[]): Promise<Frame> {
		client.send({ msg: 'sub', id: `${name}-${params[0]}`, name, params });
		return client.next();
	}

	function errorCodeOf({ msg, error }: Frame): unknown {
		expect(msg).to.equal('nosub');
		return (error as { error?: unknown }).error;
	}

	describe('who may read (10.2)', () => {
		for (const name of ['subscriptions-changed', 'rooms-changed', 'userData', 'e2ekeyRequest', 'force_logout']) {
			it(`notify-user <uid>/${name}: oneself`, async () => {
				const client = await connect(alice);
				expect(await subscribe(client, 'stream-notify-user', `${alice.id}/${name}`, false)).to.include({
					msg: 'ready',
				});
				expect(errorCodeOf(await subscribe(client, 'stream-notify-user', `${bob.id}/${name}`))).to.equal('not-allowed');
			});
		}

		for (const [name, eventName] of [
			['stream-notify-room', (room: string) => `${room}/e2e.keyRequest`],
			['stream-room-data', (room: string) => room],
			['stream-room-messages', (room: string) => room],
		] as const) {
			it(`${name}: a caller who may see the room`, async () => {
				const options = { useCollection: false, args: [] };
				expect(await subscribe(await connect(alice), name, eventName(rid), options)).to.include({ msg: 'ready' });
				for (const client of [await connect(stranger), await connect(null)]) {
					expect(errorCodeOf(await subscribe(client, name, eventName(rid), options))).to.equal('not-allowed');
				}
				const client = await connect(alice);
				expect(errorCodeOf(await subscribe(client, name, eventName('nowhere')))).to.equal('not-allowed');
			});
		}

		it('notify-room-users: nobody', async () => {
			const client = await connect(alice);
			expect(errorCodeOf(await subscribe(client, 'stream-notify-room-users', `${rid}/e2ekeyRequest`))).to.equal(
				'not-allowed',
			);
		});

		it('notify-user: nobody without a login', async () => {
			const client = await connect(null);
			expect(errorCodeOf(await subscribe(client, 'stream-notify-user', `${alice.id}/rooms-changed`))).to.equal(
				'not-allowed',
			);
			expect(errorCodeOf(await subscribe(client, 'stream-notify-user', 'null/rooms-changed'))).to.equal('not-allowed');
		});
	});

	for (const eventName of ['', 5, null]) {
		it(`refuse the event name ${JSON.stringify(eventName)}`, async () => {
			expect(errorCodeOf(await subscribe(await connect(alice), 'stream-open', eventName))).to.equal(
				'invalid-event-name',
			);
		});
	}

	it('refuse an event name of more than 512 characters', async () => {
		expect(errorCodeOf(await subscribe(await connect(alice), 'stream-open', 'x'.repeat(513)))).to.equal(
			'invalid-event-name',
		);
	});

	it('refuse invalid options', async () => {
		expect(errorCodeOf(await subscribe(await connect(alice), 'stream-open', 'e', 'x'))).to.equal(400);
	});

	it('work with the messages that Rocket.Chat’s clients send and expect (10.1)', async () => {
		const client = await clients.open(app.webSocketUrl);
		const exchange = async (sent: object, ...answers: object[]) => {
			client.send(sent);
			expect(await client.take(answers.length)).to.have.deep.members(answers);
		};
		client.send({ msg: 'connect', version: '1', support: ['1', 'pre2', 'pre1'] });
		const { msg, session, ...more } = await client.next();
		expect({ msg, more }).to.deep.equal({ msg: 'connected', more: {} });
		expect(session).to.be.a('string').that.is.not.empty;
		await exchange({ msg: 'ping' }, { msg: 'pong' });
		await exchange({ msg: 'ping', id: 'p' }, { msg: 'pong', id: 'p' });
		const error = (code: number, reason: string) => ({
			isClientSafe: true,
			error: code,
			reason,
			message: `${reason} [${code}]`,
			errorType: 'Meteor.Error',
		});
		await exchange(
			{ msg: 'method', id: '1', method: 'nope', params: [] },
			{ msg: 'result', id: '1', error: error(404, "Method 'nope' not found") },
			{ msg: 'updated', methods: ['1'] },
		);
		await exchange(
			{ msg: 'sub', id: 's', name: 'nope', params: [] },
			{ msg: 'nosub', id: 's', error: error(404, "Subscription 'nope' not found") },
		);
		await exchange({ msg: 'sub', id: 't', name: 'stream-open', params: ['e', false] }, { msg: 'ready', subs: ['t'] });
		await exchange({ msg: 'unsub', id: 't' }, { msg: 'nosub', id: 't' });
	});

	it('an unknown version is answered with failed (10.1)', async () => {
		const client = await clients.open(app.webSocketUrl);
		client.send({ msg: 'connect', version: '9', support: ['9'] });
		expect(await client.next()).to.deep.equal({ msg: 'failed', version: '1' });
	});

	describe('a subscription (10.2)', () => {
		const added = { msg: 'added', collection: 'stream-open', id: 'id', fields: { eventName: 'e' } };
		const ready = { msg: 'ready', subs: ['stream-open-e'] };

		for (const options of [{ useCollection: true, args: [] }, { useCollection: true }, true]) {
			it(`begins with \`added\` if it has the options ${JSON.stringify(options)}`, async () => {
				const client = await connect(null);
				expect(await subscribe(client, 'stream-open', 'e', options)).to.deep.equal(added);
				expect(await client.next()).to.deep.equal(ready);
			});
		}

		for (const options of [{ useCollection: false, args: [] }, { useCollection: null }, {}, false, null]) {
			it(`begins with \`ready\` if it has the options ${JSON.stringify(options)}`, async () => {
				const client = await connect(null);
				expect(await subscribe(client, 'stream-open', 'e', options)).to.deep.equal(ready);
			});
		}

		it('begins with `ready` without options, or with surplus parameters', async () => {
			const client = await connect(null);
			expect(await subscribe(client, 'stream-open', 'e')).to.deep.equal(ready);
			expect(await subscribe(await connect(null), 'stream-open', 'e', false, 'more')).to.deep.equal(ready);
		});

		it('also receives events if it has the option true', async () => {
			const client = await connect(alice);
			const uid = alice.id;
			const first = await subscribe(client, 'stream-notify-user', `${uid}/rooms-changed`, true);
			expect(first).to.include({ msg: 'added', collection: 'stream-notify-user', id: 'id' });
			await client.next();
			client.send({ msg: 'method', id: '1', method: 'e2e.setRoomKeyID', params: [rid, 'k'] });
			const frames = await client.take(3);
			const event = frames.find(({ msg }) => msg === 'changed');
			expect(event).to.include({ collection: 'stream-notify-user', id: 'id' });
		});
	});

	describe('subscriptions of Rocket.Chat’s clients (10.2)', () => {
		for (const [name, ...params] of [
			['stream-room-messages', '__my_messages__', false],
			['stream-notify-logged', 'permissions-changed', false],
			['stream-notify-logged', 'roles-change', { useCollection: false, args: [] }],
			['stream-notify-logged', 'Users:NameChanged', false],
			['stream-notify-logged', 'user-status', false],
			['stream-roles', 'roles', false],
			['stream-user-presence', '', { added: ['some-user'] }],
			['stream-user-presence', '', { removed: ['some-user'] }],
			['activeUsers'],
		] as const) {
			it(`${[name, ...params].map((text) => JSON.stringify(text)).join(' ')} is ready`, async () => {
				expect(await subscribe(await connect(alice), name, ...params)).to.include({ msg: 'ready' });
			});
		}

		for (const [name, eventName] of [
			['stream-room-messages', '__my_messages__'],
			['stream-notify-logged', 'permissions-changed'],
			['stream-roles', 'roles'],
		] as const) {
			it(`${name} ${eventName} is refused to callers who are not logged in`, async () => {
				expect(errorCodeOf(await subscribe(await connect(null), name, eventName))).to.equal('not-allowed');
			});
		}

		for (const name of ['userData', 'activeUsers', 'stream-user-presence']) {
			it(`${name} is ready for callers who are not logged in`, async () => {
				expect(await subscribe(await connect(null), name)).to.include({ msg: 'ready' });
			});
		}

		it('userData publishes the own profile, without secrets, and its changes', async () => {
			const client = await connect(alice);
			const profile = await subscribe(client, 'userData');
			expect(profile).to.include({ msg: 'changed', collection: 'users', id: alice.id });
			expect(profile.fields).to.have.property('roles');
			for (const secret of ['services', 'e2e']) expect(profile.fields).not.to.have.property(secret);
			expect(await client.next()).to.include({ msg: 'ready' });
			const admin = await addPerson(app.store, { roles: ['admin'] });
			const writer = await connect(admin);
			await writer.call('users.update', alice.id, { name: 'Alice the Second' });
			expect(await client.next()).to.deep.equal({
				msg: 'changed',
				collection: 'users',
				id: alice.id,
				fields: { name: 'Alice the Second' },
			});
		});

		it('notify-logged sends changed permissions, changed roles and deleted users', async () => {
			const admin = await addPerson(app.store, { roles: ['admin'] });
			const carol = await addPerson(app.store);
			const client = await connect(bob);
			for (const eventName of ['permissions-changed', 'roles-change', 'Users:Deleted']) {
				await subscribe(client, 'stream-notify-logged', eventName, false);
			}
			const notified = async () => (await client.next()).fields;
			const writer = await connect(admin);
			await writer.call('permissions.update', [{ _id: 'create-c', roles: ['admin', 'bot'] }]);
			expect(await notified()).to.deep.equal({
				eventName: 'permissions-changed',
				args: ['updated', { _id: 'create-c', roles: ['admin', 'bot'] }],
			});
			await writer.call('permissions.update', [{ _id: 'create-c', roles: ['admin', 'user', 'bot', 'app'] }]);
			await notified();
			await writer.call('users.update', carol.id, { roles: ['bot'] });
			const change = { u: { _id: carol.id, username: carol.username } };
			expect([await notified(), await notified()]).to.deep.equal([
				{ eventName: 'roles-change', args: [{ type: 'added', _id: 'bot', ...change }] },
				{ eventName: 'roles-change', args: [{ type: 'removed', _id: 'user', ...change }] },
			]);
			await writer.call('users.delete', carol.id);
			expect(await notified()).to.deep.equal({ eventName: 'Users:Deleted', args: [{ userId: carol.id }] });
		});

		it('notify-logged and notify-all say that a permission or setting is removed', async () => {
			const client = await connect(bob);
			await subscribe(client, 'stream-notify-logged', 'permissions-changed', false);
			await subscribe(client, 'stream-notify-all', 'public-settings-changed', false);
			const next = async () => {
				const [action, { _id }] = ((await client.next()).fields as { args: [string, { _id: string }] }).args;
				return [action, _id];
			};
			await app.store.permissions.insertOne({ _id: 'some-permission', roles: ['admin'] });
			expect(await next()).to.deep.equal(['updated', 'some-permission']);
			await app.store.permissions.deleteOne({ _id: 'some-permission' });
			expect(await next()).to.deep.equal(['removed', 'some-permission']);
			await app.store.settings.insertOne({ _id: 'E2E_Enable', value: true });
			expect(await next()).to.deep.equal(['updated', 'E2E_Enable']);
			await app.store.settings.deleteOne({ _id: 'E2E_Enable' });
			expect(await next()).to.deep.equal(['removed', 'E2E_Enable']);
		});

		it('notify-logged ends at a logout', async () => {
			const someone = await addPerson(app.store);
			const client = await connect(someone);
			await subscribe(client, 'stream-notify-logged', 'permissions-changed', false);
			client.send({ msg: 'method', id: 'l', method: 'logout', params: [] });
			let frame = await client.next();
			while (frame.msg !== 'nosub') frame = await client.next();
			expect(errorCodeOf(frame)).to.equal('not-allowed');
		});
	});

	describe('when the key id of a room is set (10.4)', () => {
		it('every member is notified of the room, the caller before `updated` of the call', async () => {
			const [setter, member, outsider] = [await connect(alice), await connect(bob), await connect(stranger)];
			await subscribe(setter, 'stream-notify-user', `${alice.id}/rooms-changed`);
			await subscribe(member, 'stream-notify-user', `${bob.id}/rooms-changed`);
			await subscribe(outsider, 'stream-notify-user', `${stranger.id}/rooms-changed`);
			setter.send({ msg: 'method', id: '1', method: 'e2e.setRoomKeyID', params: [rid, 'k'] });
			const frames = await setter.take(3);
			expect(frames.map(({ msg }) => msg).filter((msg) => msg !== 'result')).to.deep.equal(['changed', 'updated']);
			for (const frame of [frames.find(({ msg }) => msg === 'changed'), await member.next()]) {
				expect(frame).to.deep.include({ msg: 'changed', collection: 'stream-notify-user', id: 'id' });
				const { eventName, args } = (frame as Frame).fields as { eventName: string; args: [string, object] };
				expect(eventName).to.match(/\/rooms-changed$/);
				expect(args[0]).to.equal('updated');
				expect(args[1]).to.deep.include({ _id: rid, e2eKeyId: 'k' });
				expect(args[1]).to.have.property('_updatedAt').that.is.instanceOf(Date);
			}
			// An event for this client would arrive before the pong.
			outsider.send({ msg: 'ping', id: 'p' });
			expect(await outsider.next()).to.deep.equal({ msg: 'pong', id: 'p' });
		});

		it('subscribers of stream-room-data receive the changed room', async () => {
			const watcher = await connect(bob);
			await subscribe(watcher, 'stream-room-data', rid);
			await (await connect(alice)).call('e2e.setRoomKeyID', rid, 'k');
			const { fields } = await watcher.next();
			expect(fields).to.have.nested.property('args[0].e2eKeyId', 'k');
		});

		it('nobody is notified of a call that was refused', async () => {
			const watcher = await connect(bob);
			await subscribe(watcher, 'stream-room-data', rid);
			const caller = await connect(alice);
			await caller.call('e2e.setRoomKeyID', rid, '');
			watcher.send({ msg: 'ping', id: 'p' });
			expect(await watcher.next()).to.include({ msg: 'pong' });
		});
	});

	describe('when a member asks for the key (10.3)', () => {
		const METHOD = 'stream-notify-room-users';

		it('every other member receives the request, the caller does not', async () => {
			const [asker, member] = [await connect(alice), await connect(bob)];
			await subscribe(asker, 'stream-notify-user', `${alice.id}/e2ekeyRequest`);
			await subscribe(member, 'stream-notify-user', `${bob.id}/e2ekeyRequest`);
			asker.send({ msg: 'method', id: '1', method: METHOD, params: [`${rid}/e2ekeyRequest`, rid, 'key-1'] });
			expect((await asker.take(2)).map(({ msg }) => msg)).to.have.members(['updated', 'result']);
			expect(await member.next()).to.deep.equal({
				msg: 'changed',
				collection: 'stream-notify-user',
				id: 'id',
				fields: { eventName: `${bob.id}/e2ekeyRequest`, args: [rid, 'key-1'] },
			});
			asker.send({ msg: 'ping', id: 'p' });
			expect(await asker.next()).to.deep.equal({ msg: 'pong', id: 'p' });
		});

		it('other events, other rooms and callers who are no members are refused', async () => {
			const client = await connect(alice);
			for (const params of [
				[`${rid}/force_logout`, rid, 'k'],
				[`${rid}/userData`, rid, 'k'],
				[`${rid}/e2ekeyRequest`, 'other', 'k'],
				['other/e2ekeyRequest', 'other', 'k'],
				[`${rid}/force_logout`],
				[`${rid}/e2ekeyRequest`, rid, 5],
				[],
			]) {
				expect((await client.call(METHOD, ...params)).error).to.include({ error: 'not-allowed' });
			}
			const outsider = await connect(stranger);
			expect((await outsider.call(METHOD, `${rid}/e2ekeyRequest`, rid, 'k')).error).to.include({
				error: 'not-allowed',
			});
		});
	});

	it('end with unsub, and when another user logs in on the connection', async () => {
		const client = await connect(bob);
		await subscribe(client, 'stream-room-data', rid);
		await subscribe(client, 'stream-notify-user', `${bob.id}/rooms-changed`);
		client.send({ msg: 'unsub', id: `stream-room-data-${rid}` });
		expect(await client.next()).to.include({ msg: 'nosub' });
		client.send({ msg: 'method', id: '1', method: 'login', params: [{ resume: alice.token }] });
		// `nosub`, `removed` and `added` of the user documents, `updated`, `result`.
		const frames = await client.take(5);
		expect(frames.map(({ msg }) => msg)).to.include('nosub');
		await (await connect(alice)).call('e2e.setRoomKeyID', rid, 'k');
		client.send({ msg: 'ping', id: 'p' });
		expect(await client.next()).to.include({ msg: 'pong' });
	});
});
