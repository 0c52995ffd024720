/** Three processes over a real NATS that share a data folder. In a second suite they share a MongoDB, if available. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import type { OpenStore } from '../../server/store/collections.js';
import { clientsOfEachTest } from '../support/clients.js';
import { RawClient } from '../support/ddp.js';
import { Member } from '../support/member.js';
import type { NatsServer } from '../support/nats.js';
import { addPerson, addRoom, keyIdOf, type Person } from '../support/people.js';
import { type Relay, startRelay } from '../support/relay.js';
import { post } from '../support/rest.js';
import { eachSharedData } from '../support/sharedData.js';
import { SharedService } from '../support/sharedService.js';
import { transports } from '../support/transports.js';

eachSharedData('three processes', (newData) => {
	let service: SharedService;
	let open: OpenStore;
	let nats: NatsServer;
	let proxy: Relay;
	const clients = clientsOfEachTest();
	const at = (index: number) => service.at(index);

	before(async () => {
		service = await SharedService.start(newData, '--rate-limit', 'off');
		({ open, nats } = service);
		// Each new connection goes to the next process.
		proxy = await startRelay(...service.processes.map(({ url }) => Number(new URL(url).port)));
	});
	after(async () => {
		await proxy.close();
		await service.stop();
	});

	async function connect(index: number, person?: Person): Promise<RawClient> {
		const client = await clients.connect(at(index).webSocketUrl);
		if (person) await client.call('login', { resume: person.token });
		return client;
	}

	/** Resolves at the next event of a document with this value in a field. */
	async function nextWith(client: RawClient, field: string, value: unknown): Promise<void> {
		await client.nextThat(({ fields }) => {
			const args = (fields as { args?: [unknown, Record<string, unknown>] } | undefined)?.args;
			return args?.[1]?.[field] === value;
		});
	}

	it('let exactly one of 300 callers set the key id of a room', async () => {
		const people = await Promise.all(Array.from({ length: 300 }, () => addPerson(open.store)));
		const rid = await addRoom(open.store, people, { encrypted: true });
		const answers = await Promise.all(
			people.map((person) =>
				post(`http://127.0.0.1:${proxy.port}/api/v1/e2e.setRoomKeyID`, person, { rid, keyID: person.id }),
			),
		);
		const winners = people.filter((_, i) => answers[i]?.status === 200);
		expect(winners.map(({ id }) => id)).to.deep.equal([await keyIdOf(open.store, rid)]);
	});

	it('let two people at different processes exchange the key of a room', async () => {
		const [alice, bob] = [await addPerson(open.store), await addPerson(open.store)];
		const rid = await addRoom(open.store, [alice, bob], { encrypted: true });
		const overDdp = transports['over DDP, with @rocket.chat/ddp-client'];
		const [first, second] = [
			new Member(await overDdp(at(0).url, alice), 'the secret of alice', 'v2'),
			new Member(await overDdp(at(1).url, bob), 'the secret of bob', 'v2'),
		];
		await first.makeIdentity();
		await second.makeIdentity();
		await first.keyRoom(rid);
		await second.client.call('e2e.requestSubscriptionKeys');
		await first.serve(rid);
		await second.accept(rid);
		const content = await first.write(rid, 'hello');
		expect(await second.read(rid, content)).to.equal('hello');
		first.client.close();
		second.client.close();
	});

	it('end the sessions of a revoked token in all processes', async () => {
		const alice = await addPerson(open.store);
		const [one, two, other] = [await connect(0, alice), await connect(1, alice), await connect(2, alice)];
		await other.call('logout');
		await Promise.all([one.closed, two.closed]);
	});

	it('agree within two seconds after NATS was away for ten', async () => {
		const [alice, bob, carol] = [await addPerson(open.store), await addPerson(open.store), await addPerson(open.store)];
		const rid = await addRoom(open.store, [alice, bob], { encrypted: true });
		const offered = await addRoom(open.store, [alice, bob], { encrypted: true, e2eKeyId: 'offered-id01' });
		await open.store.subscriptions.updateOne(
			{ rid: offered, 'u._id': bob.id },
			{ $set: { E2ESuggestedKey: 'offered-id01-sealed' } },
			{ silent: true },
		);
		const doomed = await Promise.all([connect(0, carol), connect(1, carol)]);
		const watching = await Promise.all([connect(0, bob), connect(1, bob), connect(2, alice)]);
		await watching[0].subscribe('stream-notify-user', `${bob.id}/rooms-changed`, false);
		await watching[1].subscribe('stream-notify-user', `${bob.id}/subscriptions-changed`, false);
		await watching[2].subscribe('stream-notify-user', `${alice.id}/rooms-changed`, false);
		const calls = await Promise.all([connect(2, carol), connect(0, bob), connect(1, alice)]);
		await nats.stop();
		await Promise.all([
			pause(10_000),
			(async () => {
				await calls[0].call('logout');
				const accepted = await calls[1].call('e2e.acceptSuggestedGroupKey', offered);
				expect(accepted.error).to.equal(undefined);
				expect((await calls[2].call('e2e.setRoomKeyID', rid, 'set-meanwhile')).error).to.equal(undefined);
			})(),
		]);
		await nats.start();
		const returned = performance.now();
		await Promise.all([
			...doomed.map(({ closed }) => closed),
			nextWith(watching[0], 'e2eKeyId', 'set-meanwhile'),
			nextWith(watching[1], 'E2EKey', 'offered-id01-sealed'),
			nextWith(watching[2], 'e2eKeyId', 'set-meanwhile'),
		]);
		expect(performance.now() - returned).to.be.below(2000);
	});

	it('find what a killed process has written', async () => {
		const [alice, bob] = [await addPerson(open.store), await addPerson(open.store)];
		const rid = await addRoom(open.store, [alice, bob], { encrypted: true });
		const watching = await connect(0, bob);
		await watching.subscribe('stream-notify-user', `${bob.id}/rooms-changed`, false);
		// As if process 2 had written this, and was killed before it announced the write.
		await open.store.rooms.updateOne({ _id: rid }, { $set: { e2eKeyId: 'last-words' } });
		await at(2).stop('SIGKILL');
		await nextWith(watching, 'e2eKeyId', 'last-words');
		await service.replace(2);
		await at(2).connected();
	});

	it('give a repeated call its first answer after the process that gave it was killed', async () => {
		const alice = await addPerson(open.store);
		const rid = await addRoom(open.store, [alice], { encrypted: true });
		const set = (index: number, keyID: string) =>
			post(`${at(index).url}/api/v1/e2e.setRoomKeyID`, alice, { rid, keyID }, { 'Idempotency-Key': 'set-once' });
		const first = await set(0, 'first-key-id');
		expect(first.status).to.equal(200);
		await at(0).stop('SIGKILL');
		for (const other of [1, 2]) expect((await set(other, 'first-key-id')).text).to.equal(first.text);
		expect(await keyIdOf(open.store, rid)).to.equal('first-key-id');
		await service.replace(0);
		await at(0).connected();
	});

	it('start without NATS, and join when it is there', async () => {
		await nats.stop();
		const late = await service.spawn(0);
		await nats.start();
		await late.connected();
		const bob = await addPerson(open.store);
		const rid = await addRoom(open.store, [bob], { encrypted: true });
		await service.connected();
		const client = await RawClient.connect(late.webSocketUrl);
		await client.call('login', { resume: bob.token });
		await client.subscribe('stream-notify-user', `${bob.id}/rooms-changed`, false);
		await (await connect(0, bob)).call('e2e.setRoomKeyID', rid, 'set-late');
		await nextWith(client, 'e2eKeyId', 'set-late');
		client.socket.close();
		await late.stop();
	});
});
