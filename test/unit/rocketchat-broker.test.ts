/** Joining Rocket.Chat's broker, without a network. `test/cluster/rocketchat.test.ts` tests it over a network. */
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createBus } from '../../server/cluster/bus.js';
import { loadMoleculer } from '../../server/cluster/rocketchat/moleculer.js';
import { receive } from '../../server/cluster/rocketchat/receive.js';
import { joinRocketChat } from '../../server/cluster/rocketchat/rocketchat.js';
import { createServer } from '../../server/createServer.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';
import { rejection } from '../support/rejection.js';
import { ReportedWrites } from '../support/watchedDatabase.js';

describe("a server that joins Rocket.Chat's broker", () => {
	it('says which packages to install if they are missing', async () => {
		const error = await rejection(loadMoleculer(createRequire(join(tmpdir(), 'none', 'index.js'))));
		expect(error.message).to.equal("To join Rocket.Chat's broker, add two packages: npm install moleculer@0.14 nats@2");
	});

	for (const rocketchatBroker of ['http://host:4222', 'host', 'nats://', 'nats://host:4222,redis://host']) {
		it(`refuses the address ${rocketchatBroker}`, async () => {
			const error = await rejection(createServer({ store: { memory: true }, rocketchatBroker }));
			expect(error.message).to.contain('rocketchatBroker must be addresses such as nats://host:4222');
		});
	}

	it('takes from an event only which document to read again', async () => {
		const writes = new ReportedWrites();
		const parts = { bus: createBus(memoryLog()), changedElsewhere: writes, checkTokens: () => {} };
		const received = (event: string, ...args: unknown[]) => receive(event, args, parts);
		expect(received('watch.roles', { clientAction: 'changed', role: { _id: 'r', name: 'x' } })).to.equal(true);
		expect(received('watch.rooms', { clientAction: 'removed', room: { _id: 'a', joinCode: 'secret' } })).to.equal(true);
		expect(received('watch.rooms', { clientAction: 'exploded', room: { _id: 'a' } })).to.equal(false);
		expect(received('constructor', {})).to.equal(false);
		expect(await writes.next(2)).to.deep.equal([
			{ key: 'roles', id: 'r', action: 'updated' },
			{ key: 'rooms', id: 'a', action: 'removed' },
		]);
		expect(writes.rest).to.deep.equal([]);
	});

	it('announces all that it has published, and only then leaves', async () => {
		const done: unknown[] = [];
		const bus = createBus(memoryLog());
		const joined = await joinRocketChat({
			url: '',
			namespace: '',
			bus,
			store: {} as Store,
			log: memoryLog(),
			health: { ok() {}, degraded() {}, details() {} },
			changedElsewhere: new ReportedWrites(),
			checkTokens() {},
			refreshCollection() {},
			open: async () => ({
				isConnected: true,
				nodes: 1,
				broadcast: (event, args) => void done.push([event, ...args]),
				close: async () => void done.push('left'),
			}),
		});
		for (const rid of ['a', 'b', 'c'])
			bus.publish('notify', { stream: 'notify-room', eventName: `${rid}/e2e.keyRequest`, args: ['k'] });
		await joined.close();
		expect(done).to.deep.equal([...['a', 'b', 'c'].map((rid) => ['notify.e2e.keyRequest', rid, 'k']), 'left']);
	});

	it('checks the tokens of a user after an event about their logins', () => {
		const checked: string[] = [];
		const parts = {
			bus: createBus(memoryLog()),
			changedElsewhere: new ReportedWrites(),
			checkTokens: (userId: string) => void checked.push(userId),
		};
		receive('watch.users', [{ id: 'a', clientAction: 'updated', diff: { name: 'x' } }], parts);
		receive('watch.users', [{ id: 'b', clientAction: 'updated', diff: { 'services.resume.loginTokens': [] } }], parts);
		receive('watch.users', [{ id: 'c', clientAction: 'removed' }], parts);
		receive('user.forceLogout', ['d'], parts);
		expect(checked).to.deep.equal(['b', 'c', 'd']);
	});
});
