/** Which messages of other processes are new, and which are missing. */
import { expect } from 'chai';
import { Peers } from '../../server/cluster/peers.js';

describe('the messages of other processes', () => {
	/**
	 * The present time, in ms. The arguments of `noteMessage` are the sender, the number of the message, whether it has
	 * events, and the present time. The last one says for how many ms the sender was disconnected before the message. A
	 * message without events has the number of the sender's last message.
	 */
	const now = 60_000;

	it('are delivered once, in any order, and gaps in their numbers are noticed', () => {
		const peers = new Peers();
		expect(peers.noteMessage('a', 1, true, now)).to.include({ isNew: true, isGap: false });
		expect(peers.noteMessage('a', 1, true, now)).to.include({ isNew: false, isGap: false });
		expect(peers.noteMessage('a', 4, true, now)).to.include({ isNew: true, isGap: true });
		expect([...peers.missingToAskFor(now)]).to.deep.equal([{ of: 'a', missing: [2, 3] }]);
		expect(peers.noteMessage('a', 2, true, now)).to.include({ isNew: true, isGap: false });
		expect(peers.noteMessage('a', 2, true, now)).to.include({ isNew: false, isGap: false });
		expect([...peers.missingToAskFor(now)]).to.deep.equal([{ of: 'a', missing: [3] }]);
	});

	it('are missing if a message without events announces a higher number than has arrived', () => {
		const peers = new Peers();
		peers.noteMessage('a', 1, true, now);
		expect(peers.noteMessage('a', 3, false, now)).to.include({ isNew: false, isGap: true });
		expect([...peers.missingToAskFor(now)]).to.deep.equal([{ of: 'a', missing: [2, 3] }]);
	});

	it('are missing if sent before their sender was found, except soon after this process has connected', () => {
		const peers = new Peers();
		peers.noteOwnConnection(now);
		expect(peers.noteMessage('a', 7, false, now + 10)).to.include({ isGap: false });
		expect(peers.noteMessage('b', 7, false, now + 10_000)).to.include({ isGap: true });
		expect(peers.noteMessage('new', 0, false, now + 10_000)).to.include({ isGap: false });
	});

	it('are missing if their sender sent them while it was not heard, and is heard again', () => {
		const peers = new Peers();
		peers.noteMessage('a', 1, true, now);
		peers.removeSilent(now + 4000);
		expect(peers.size).to.equal(0);
		expect(peers.noteMessage('a', 3, false, now + 90_000, 88_000)).to.include({ isGap: true, missedSince: now });
		expect([...peers.missingToAskFor(now + 90_000)]).to.deep.equal([{ of: 'a', missing: [2, 3] }]);
	});

	it('are missing if sent while their sender was disconnected', () => {
		const peers = new Peers();
		peers.noteOwnConnection(now);
		expect(peers.noteMessage('a', 2, false, now + 10, 60_000)).to.include({
			isGap: true,
			missedSince: now + 10 - 60_000,
		});
		expect(peers.noteMessage('new', 0, false, now + 10, 60_000)).to.include({ isGap: false });
	});

	it('are asked for up to a maximum if they are missing, also after several gaps', () => {
		const peers = new Peers();
		for (const n of [1, 9_000, 20_000]) peers.noteMessage('a', n, true, now);
		const numbers = [...peers.missingToAskFor(now)].flatMap(({ missing }) => missing);
		expect(numbers).to.have.length(10_000);
		expect([numbers[0], numbers.at(-1)]).to.deep.equal([10_000, 19_999]);
		peers.noteMessage('a', 20_002, true, now);
		expect([...peers.missingToAskFor(now)].flatMap(({ missing }) => missing)).to.have.length(10_000);
	});

	it('are asked for only until they have been missing for ten seconds', () => {
		const peers = new Peers();
		peers.noteMessage('a', 1, true, now);
		peers.noteMessage('a', 3, true, now);
		expect([...peers.missingToAskFor(now + 20_000)]).to.deep.equal([]);
	});

	it('are no longer expected of a process that is silent or has stopped', () => {
		const peers = new Peers();
		peers.noteMessage('a', 1, true, now);
		peers.noteMessage('b', 1, true, now + 3000);
		// The answer is when the last message of each silent process arrived.
		expect(peers.removeSilent(now + 4000)).to.deep.equal([now]);
		// The answer is whether messages of the process are missing.
		expect(peers.remove('b')).to.equal(false);
		peers.noteMessage('c', 1, true, now);
		peers.noteMessage('c', 3, true, now);
		expect([peers.remove('c'), peers.remove('unknown'), peers.size]).to.deep.equal([true, false, 0]);
	});

	it('are tracked for at most 1000 processes; at most 10,000 missing ones of each are requested', () => {
		const peers = new Peers();
		for (let i = 0; i < 1500; i++) peers.noteMessage(`peer ${i}`, 1, true, i);
		expect(peers.size).to.equal(1000);
		peers.noteMessage('peer 1499', Number.MAX_SAFE_INTEGER, true, now);
		const asked = [...peers.missingToAskFor(now)].flatMap(({ missing }) => missing);
		expect(asked).to.have.length(10_000);
	});

	it('are tracked for 1000 processes at most, even if silent processes return', () => {
		const peers = new Peers();
		for (let i = 0; i < 10; i++) peers.noteMessage(`silent ${i}`, 1, true, 0);
		peers.removeSilent(now);
		for (let i = 0; i < 1000; i++) peers.noteMessage(`peer ${i}`, 1, true, now + i);
		for (let i = 0; i < 10; i++) {
			expect(peers.noteMessage(`silent ${i}`, 3, false, now + 2000)).to.include({ isGap: true, missedSince: 0 });
		}
		expect(peers.size).to.equal(1000);
		expect([...peers.missingToAskFor(now + 2000)].map(({ of }) => of)).to.have.length(10);
	});
});
