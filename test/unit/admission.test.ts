/** When new connections may open, with a fake clock. */
import { mock } from 'node:test';
import { setImmediate as aTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { Admission, MAX_WAIT_MS, MAX_WAITING_SECONDS, retryConnectionSeconds } from '../../server/core/admission.js';

describe('the admission of connections', () => {
	let overloaded: boolean;
	/** The decisions in order: `name` for an opened connection, `name: reason` for a refused one. */
	let decided: string[];
	let admission: Admission;

	beforeEach(() => {
		mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
		overloaded = false;
		decided = [];
		admission = make(2);
	});
	afterEach(() => {
		admission.close();
		mock.timers.reset();
	});

	const make = (perSecond: number, max = 1000) =>
		new Admission({ max, maxPerAddress: 1000, perSecond, isOverloaded: () => overloaded });

	const ask = (name: string, address = '1.1.1.1') =>
		admission.request(address, (refused) => void decided.push(refused ? `${name}: ${refused.text}` : name));

	function askAll(names: string, address?: string): void {
		for (const name of names) ask(name, address);
	}

	it('opens as many connections at once as the rate allows per second, and others later in order', () => {
		askAll('abcdef');
		expect(decided.splice(0)).to.deep.equal(['a', 'b']);
		mock.timers.tick(1000);
		expect(decided.splice(0)).to.deep.equal(['c', 'd']);
		mock.timers.tick(1000);
		expect(decided).to.deep.equal(['e', 'f']);
	});

	it('never lets a new connection overtake waiting ones', () => {
		askAll('abc');
		mock.timers.tick(480);
		ask('d');
		mock.timers.tick(20);
		expect(decided).to.deep.equal(['a', 'b', 'c']);
	});

	it('lets addresses take turns', () => {
		askAll('abcdef', '1.1.1.1');
		ask('x', '2.2.2.2');
		mock.timers.tick(1000);
		expect(decided).to.deep.equal(['a', 'b', 'c', 'x']);
	});

	it('refuses connections at once while the queue is full', () => {
		askAll('ab');
		for (let i = 0; i < 2 * MAX_WAITING_SECONDS; i++) ask(`${i}`);
		expect(decided.splice(0)).to.deep.equal(['a', 'b']);
		for (const name of 'nopq') ask(name, '2.2.2.2');
		expect(decided.splice(0)).to.deep.equal(
			[...'nopq'].map((name) => `${name}: Too many clients connect at the moment`),
		);
		mock.timers.tick(1000);
		expect(decided).to.deep.equal(['0', '1']);
	});

	it('refuses connections that waited too long, a few per turn of the event loop', async () => {
		admission = make(100);
		overloaded = true;
		for (let i = 0; i < 30; i++) ask(`${i}`);
		mock.timers.tick(MAX_WAIT_MS - 1);
		const opened = decided.splice(0).length;
		mock.timers.tick(1);
		// The last of the 25 that may open in five seconds has opened. Of the other five, three are refused now.
		expect(decided).to.have.length(4);
		await aTurn();
		expect(decided)
			.to.include('29: The server is overloaded')
			.and.to.have.length(30 - opened);
	});

	it('opens five connections per second during an overload, and the others after it', () => {
		admission = make(100);
		overloaded = true;
		askAll('abcdefghij');
		ask('x', '2.2.2.2');
		expect(decided).to.deep.equal([]);
		mock.timers.tick(1000);
		expect(decided.splice(0)).to.deep.equal(['a', 'x', 'b', 'c', 'd']);
		overloaded = false;
		mock.timers.tick(20);
		expect(decided).to.deep.equal(['e', 'f', 'g', 'h', 'i', 'j']);
	});

	it('never exceeds the rate during an overload', () => {
		overloaded = true;
		askAll('abcdef');
		mock.timers.tick(1000);
		// The rate is two per second. Two open at once, because none opened before, and a third within this second.
		expect(decided.splice(0)).to.deep.equal(['a', 'b', 'c']);
		mock.timers.tick(1000);
		expect(decided).to.deep.equal(['d', 'e']);
	});

	it('no longer counts a client that has left the queue', () => {
		admission = make(1, 2);
		ask('a');
		const leave = ask('b');
		ask('c');
		leave?.();
		leave?.();
		ask('d');
		mock.timers.tick(1000);
		expect(decided).to.deep.equal(['a', 'c: The server has too many connections', 'd']);
	});

	it('refuses waiting connections when the server ends', () => {
		askAll('abcd');
		admission.close();
		mock.timers.tick(MAX_WAIT_MS);
		expect(decided.slice(2)).to.deep.equal(['c: The server is about to end.', 'd: The server is about to end.']);
	});

	it('tells refused clients to return after different times', () => {
		const seconds = new Set(Array.from({ length: 1000 }, retryConnectionSeconds));
		expect([Math.min(...seconds), Math.max(...seconds), seconds.size]).to.deep.equal([5, 30, 26]);
	});
});
