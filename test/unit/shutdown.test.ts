/** How a server that shuts down ends its sessions, with a fake clock (test/contract/ddp.md section 18). */
import { mock } from 'node:test';
import { expect } from 'chai';
import { type EndingSession, endSessions } from '../../server/ddp/shutdown.js';

describe('the sessions of a server that shuts down', () => {
	beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
	afterEach(() => mock.timers.reset());

	/** Ends ten sessions within a second. `done` records what was done to each. */
	function endTen() {
		const done: string[] = [];
		const sessions = new Set<EndingSession>();
		for (let i = 0; i < 10; i++) {
			sessions.add({
				drain: async () => void done.push(`drain ${i}`),
				close: () => void done.push(`close ${i}`),
				transport: { terminate: () => void done.push(`terminate ${i}`) },
			});
		}
		return { sessions, done, stop: endSessions(sessions, 1000) };
	}

	const all = (what: string) => Array.from({ length: 10 }, (_, i) => `${what} ${i}`);

	it('are drained one after another in the first half of the time (18)', () => {
		const { done } = endTen();
		mock.timers.tick(0);
		expect(done).to.deep.equal(['drain 0']);
		mock.timers.tick(250);
		expect(done).to.deep.equal(all('drain').slice(0, 6));
		mock.timers.tick(250);
		expect(done.splice(0)).to.deep.equal(all('drain'));
		mock.timers.tick(499);
		expect(done).to.deep.equal([]);
	});

	it('are closed at the end, and terminated after two more seconds (18)', () => {
		const { done } = endTen();
		mock.timers.tick(1000);
		expect(done.splice(0).slice(10)).to.deep.equal(all('close'));
		mock.timers.tick(2000);
		expect(done).to.deep.equal(all('terminate'));
	});

	it('are neither closed nor terminated if they have ended before (18)', () => {
		const { sessions, done } = endTen();
		mock.timers.tick(500);
		sessions.clear();
		mock.timers.tick(10_000);
		expect(done).to.deep.equal(all('drain'));
	});

	it('are left alone after `stop` (18)', () => {
		const { done, stop } = endTen();
		stop();
		mock.timers.tick(10_000);
		expect(done).to.deep.equal([]);
	});
});
