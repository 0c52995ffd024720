/**
 * A server and one with `--shadow` on the same MongoDB both receive each request, as from a mirroring proxy. The shadow
 * writes nothing. It compares the database with what the request would have changed.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import type { OpenStore } from '../../server/store/collections.js';
import { openStore } from '../../server/store/open.js';
import { memoryLog } from '../support/log.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { post, request } from '../support/rest.js';
import { ServiceProcess } from '../support/service.js';
import { newDatabase, type SharedData } from '../support/sharedData.js';

const ROUNDS = 3;

describe('--shadow beside an equal server', () => {
	let data: SharedData;
	let open: OpenStore;
	let original: ServiceProcess;
	let shadow: ServiceProcess;

	before(async () => {
		data = await newDatabase(process.env.ROOMKEY_TEST_MONGO_URL as string);
		original = await ServiceProcess.start(['--rate-limit', 'off'], data.env);
		shadow = await ServiceProcess.start(['--rate-limit', 'off', '--shadow', '--shadow-delay', '300'], data.env);
		open = await openStore(data.choice, memoryLog());
	});
	after(async () => {
		await Promise.all([original.stop(), shadow.stop()]);
		await open.close();
		await data.remove();
	});

	async function outcomes(): Promise<Record<string, number>> {
		const { text } = await request(`${shadow.url}/metrics`);
		const lines = text.matchAll(/^roomkey_shadow_requests_total\{outcome="(.*)"\} (\d+)$/gm);
		return Object.fromEntries(Array.from(lines, ([, outcome, count]) => [outcome, Number(count)]));
	}

	/** Sends a request to both servers. Resolves when the shadow has handled `count` requests in all. */
	async function mirrored(count: number, as: Person, name: string, body: object): Promise<void> {
		const [copied, answer] = await Promise.all([
			post(`${shadow.url}/api/v1/${name}`, as, body),
			post(`${original.url}/api/v1/${name}`, as, body),
		]);
		expect([name, copied.status, answer.status], JSON.stringify(answer.body)).to.deep.equal([name, 204, 200]);
		const ended = async () => Object.values(await outcomes()).reduce((sum, each) => sum + each, 0);
		while ((await ended()) < count) await pause(50);
	}

	it('finds no difference in key exchanges', async () => {
		const { store } = open;
		const [owner, member] = [await addPerson(store), await addPerson(store)];
		for (const { id } of [owner, member])
			await store.users.updateOne({ _id: id }, { $set: { e2e: { public_key: 'public', private_key: 'sealed' } } });
		const rid = await addRoom(store, [member], { encrypted: true });
		await addMember(store, rid, owner, { t: 'p', roles: ['owner'] });
		let count = 0;
		for (let round = 0; round < ROUNDS; round++) {
			const key = `key-id-${round}`;
			const offers = { usersSuggestedGroupKeys: { [rid]: [{ _id: member.id, key: `${key}-for-member` }] } };
			await mirrored(++count, owner, 'e2e.resetRoomKey', { rid, e2eKey: `${key}-for-owner`, e2eKeyId: key });
			await mirrored(++count, member, 'e2e.requestSubscriptionKeys', {});
			await mirrored(++count, owner, 'e2e.provideUsersSuggestedGroupKeys', offers);
			await mirrored(++count, member, 'e2e.acceptSuggestedGroupKey', { rid });
		}
		const { agrees = 0, late = 0, ...others } = await outcomes();
		// `late`: the original had written before the shadow read the documents, so nothing could be compared.
		expect(agrees + late).to.equal(count);
		expect(agrees).to.be.above(0);
		expect(Object.values(others).every((each) => each === 0)).to.equal(true);
	});
});
