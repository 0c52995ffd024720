/** Limits over three processes of the command (`test/contract/ddp.md` section 14). */
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { addPerson, addRoom } from '../support/people.js';
import { post } from '../support/rest.js';
import { eachSharedData } from '../support/sharedData.js';
import { SharedService } from '../support/sharedService.js';

const CALLS = 50;

eachSharedData('the limits of three processes', (newData) => {
	let service: SharedService;

	before(async () => {
		service = await SharedService.start(
			newData,
			'--trust-proxy',
			'loopback',
			'--limit',
			`e2e.setRoomKeyID=${CALLS}/1h`,
		);
	});
	after(() => service.stop());

	/** Sends requests at the same time, to the processes in turn. @returns how often each status was answered */
	async function statuses(count: number, path: string, address: string, body: (i: number) => object) {
		const answers = await Promise.all(
			Array.from({ length: count }, (_, i) =>
				post(`${service.at(i % 3).url}/api/v1/${path}`, null, body(i), { 'X-Forwarded-For': address }),
			),
		);
		const counts: Record<number, number> = {};
		for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
		return counts;
	}

	it('let exactly ten wrong passwords be checked', async () => {
		const found = await statuses(42, 'login', '1.1.1.1', () => ({ user: 'somebody', password: 'wrong' }));
		expect(found).to.deep.equal({ 401: 10, 429: 32 });
	});

	it('let exactly fifty logins be made from one address', async () => {
		const alice = await addPerson(service.open.store);
		const found = await statuses(60, 'login', '2.2.2.2', () => ({ resume: alice.token }));
		expect(found).to.deep.equal({ 200: 50, 429: 10 });
	});

	it('refuse a method at every process soon after its allowed calls were made at one', async () => {
		const alice = await addPerson(service.open.store);
		const rid = await addRoom(service.open.store, [alice], { encrypted: true });
		const callAt = async (index: number) =>
			(await post(`${service.at(index).url}/api/v1/e2e.setRoomKeyID`, alice, { rid, keyID: 'limited-key1' })).status;
		const first = await Promise.all(Array.from({ length: CALLS + 1 }, () => callAt(0)));
		expect(first.filter((status) => status === 429)).to.have.length(1);
		// Processes exchange their counts once a second. A process that never learns the counts would allow `CALLS`.
		for (const other of [1, 2]) {
			let allowed = 0;
			while ((await callAt(other)) !== 429) {
				expect(++allowed).to.be.below(CALLS);
				await pause(200);
			}
		}
	});
});
