/** Streams of a room for users who may not see it, or not any more. */
import { expect } from 'chai';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import type { Frame, RawClient } from '../support/ddp.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { headersOf, request } from '../support/rest.js';

describe('streams', () => {
	let app: TestApp;
	let owner: Person;
	let member: Person;
	let admin: Person;
	const clients = clientsOfEachTest();

	beforeEach(async () => {
		app = await startApp();
		owner = await addPerson(app.store);
		member = await addPerson(app.store);
		admin = await addPerson(app.store, { roles: ['admin'] });
	});
	afterEach(() => app.close());

	async function connect(as: Person): Promise<RawClient> {
		const client = await clients.connect(app.webSocketUrl);
		await client.call('login', { resume: as.token });
		return client;
	}

	async function watch(client: RawClient, rid: string): Promise<void> {
		client.send({ msg: 'sub', id: `data-${rid}`, name: 'stream-room-data', params: [rid] });
		client.send({ msg: 'sub', id: `notify-${rid}`, name: 'stream-notify-room', params: [`${rid}/e2e.keyRequest`] });
		for (const frame of await client.take(2)) expect(frame.msg).to.equal('ready');
	}

	async function framesSoFar(client: RawClient): Promise<Frame[]> {
		client.send({ msg: 'ping', id: 'end' });
		const frames: Frame[] = [];
		for (;;) {
			const frame = await client.next();
			if (frame.msg === 'pong') return frames;
			frames.push(frame);
		}
	}

	const ended = (rid: string) => [`nosub data-${rid}`, `nosub notify-${rid}`];
	const asText = ({ msg, id }: Frame) => `${msg} ${id}`;

	async function makeRoom(fields: object = {}): Promise<string> {
		const rid = await addRoom(app.store, [], { name: `room-${Math.random()}`, usersCount: 2, ...fields });
		await addMember(app.store, rid, owner, { roles: ['owner'] });
		await addMember(app.store, rid, member);
		return rid;
	}

	it('end for a member who is removed, and continue for the others', async () => {
		const rid = await makeRoom();
		const [gone, stays] = [await connect(member), await connect(owner)];
		await watch(gone, rid);
		await watch(stays, rid);
		const caller = await connect(owner);
		expect((await caller.call('groups.kick', rid, '', member.id)).error).to.equal(undefined);
		await caller.call('e2e.setRoomKeyID', rid, 'k');
		const received = await framesSoFar(gone);
		expect(received.map(asText)).to.have.members(ended(rid));
		expect((await framesSoFar(stays)).filter(({ msg }) => msg === 'changed')).to.have.length.greaterThan(1);
	});

	it('end for a member who leaves', async () => {
		const rid = await makeRoom();
		const gone = await connect(member);
		await watch(gone, rid);
		await (await connect(member)).call('groups.leave', rid);
		await (await connect(owner)).call('e2e.setRoomKeyID', rid, 'k');
		expect((await framesSoFar(gone)).map(asText)).to.have.members(ended(rid));
	});

	it('continue without a gap if a user leaves a channel but may read it', async () => {
		const rid = await makeRoom({ t: 'c' });
		const gone = await connect(member);
		await watch(gone, rid);
		await (await connect(member)).call('channels.leave', rid);
		await (await connect(owner)).call('e2e.setRoomKeyID', rid, 'k');
		const received = await framesSoFar(gone);
		expect(received.map(({ msg }) => msg)).to.not.include('nosub');
		expect(received.at(-1)?.fields).to.have.nested.property('args[0].e2eKeyId', 'k');
		expect(received.filter(({ msg }) => msg === 'changed')).to.have.length(2);
	});

	it('end when their room is deleted', async () => {
		const rid = await makeRoom();
		const [ofMember, ofOwner] = [await connect(member), await connect(owner)];
		await watch(ofMember, rid);
		await watch(ofOwner, rid);
		await (await connect(owner)).call('groups.delete', rid);
		expect((await framesSoFar(ofMember)).map(asText)).to.include.members(ended(rid));
		expect((await framesSoFar(ofOwner)).map(asText)).to.include.members(ended(rid));
	});

	it('end in a discussion for a member who is removed from the parent room', async () => {
		const rid = await makeRoom();
		const discussion = await addRoom(app.store, [owner], { prid: rid });
		const gone = await connect(member);
		await watch(gone, discussion);
		await (await connect(owner)).call('groups.kick', rid, '', member.id);
		await (await connect(owner)).call('e2e.setRoomKeyID', discussion, 'k');
		expect((await framesSoFar(gone)).map(asText)).to.have.members(ended(discussion));
	});

	it('end for users who lost the role or the permission to see their room', async () => {
		const rid = await addRoom(app.store, [], { t: 'c' });
		const [one, other] = [await connect(member), await connect(owner)];
		await watch(one, rid);
		await watch(other, rid);
		const caller = await connect(admin);
		const { error } = await caller.call('users.update', member.id, { roles: ['guest'] });
		expect(error).to.equal(undefined);
		expect((await framesSoFar(one)).map(asText)).to.have.members(ended(rid));
		expect(await framesSoFar(other)).to.deep.equal([]);
		await caller.call('permissions.update', [{ _id: 'view-c-room', roles: ['admin'] }]);
		expect((await framesSoFar(other)).map(asText)).to.have.members(ended(rid));
	});

	it('do not notify a user of a room to which they were only invited', async () => {
		const rid = await makeRoom();
		await app.store.subscriptions.updateOne({ rid, 'u._id': member.id }, { $set: { status: 'INVITED' } });
		const invited = await connect(member);
		// The server goes through the members of the room or through the event names with readers (here one), whichever are
		// fewer. A `usersCount` of 0 makes it do the first, 5 the second.
		for (const usersCount of [0, 5]) {
			await app.store.rooms.updateOne({ _id: rid }, { $set: { usersCount }, $unset: { e2eKeyId: 1 } });
			const id = `changes-${usersCount}`;
			invited.send({ msg: 'sub', id, name: 'stream-notify-user', params: [`${member.id}/rooms-changed`] });
			expect(await invited.next()).to.include({ msg: 'ready' });
			const body = { rid, keyID: `k-${usersCount}` };
			const answer = await request(`${app.url}/api/v1/e2e.setRoomKeyID`, {
				method: 'POST',
				headers: { 'Content-Type': 'application/json', ...headersOf(owner) },
				body: JSON.stringify(body),
			});
			expect(answer.status).to.equal(200);
			expect(await framesSoFar(invited)).to.deep.equal([]);
		}
	});
});
