/** The parts of the connection between processes, each tested alone. */
import { expect } from 'chai';
import { type Bus, createBus } from '../../server/cluster/bus.js';
import { createCatchUp } from '../../server/cluster/catchUp.js';
import { joinCluster } from '../../server/cluster/cluster.js';
import type { LinkHandlers } from '../../server/cluster/link.js';
import { decodeMessage, eventOf } from '../../server/cluster/messages.js';
import { createOutbox } from '../../server/cluster/outbox.js';
import { Peers } from '../../server/cluster/peers.js';
import { checkServerOptions } from '../../server/options/checkOptions.js';
import { natsSettings, parseNatsUrls } from '../../server/options/nats.js';
import { OptionError } from '../../server/options/optionError.js';
import { memoryLog } from '../support/log.js';

describe('the messages of other processes', () => {
	/**
	 * The present time, in ms. The arguments of `noteMessage` are the sender, the number, whether the message has events, the
	 * time, and for how many ms the sender was disconnected.
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

	it('are not missing if their sender is met soon after this process has connected, and are if it is met later', () => {
		const peers = new Peers();
		peers.noteOwnConnection(now);
		expect(peers.noteMessage('a', 7, false, now + 10)).to.include({ isGap: false });
		expect(peers.noteMessage('b', 7, false, now + 10_000)).to.include({ isGap: true });
		expect(peers.noteMessage('new', 0, false, now + 10_000)).to.include({ isGap: false });
	});

	it('are missing when their sender fell silent, sent them meanwhile, and returns', () => {
		const peers = new Peers();
		peers.noteMessage('a', 1, true, now);
		peers.removeSilent(now + 4000);
		expect(peers.size).to.equal(0);
		expect(peers.noteMessage('a', 3, false, now + 90_000, 88_000)).to.include({ isGap: true, missedSince: now });
		expect([...peers.missingToAskFor(now + 90_000)]).to.deep.equal([{ of: 'a', missing: [2, 3] }]);
	});

	it('are missing if their sender sent them while it was not connected', () => {
		const peers = new Peers();
		peers.noteOwnConnection(now);
		expect(peers.noteMessage('a', 2, false, now + 10, 60_000)).to.include({
			isGap: true,
			missedSince: now + 10 - 60_000,
		});
		expect(peers.noteMessage('new', 0, false, now + 10, 60_000)).to.include({ isGap: false });
	});

	it('are asked for up to a maximum, also after several gaps: the newest', () => {
		const peers = new Peers();
		for (const n of [1, 9_000, 20_000]) peers.noteMessage('a', n, true, now);
		const numbers = [...peers.missingToAskFor(now)].flatMap(({ missing }) => missing);
		expect(numbers).to.have.length(10_000);
		expect([numbers[0], numbers.at(-1)]).to.deep.equal([10_000, 19_999]);
		peers.noteMessage('a', 20_002, true, now);
		expect([...peers.missingToAskFor(now)].flatMap(({ missing }) => missing)).to.have.length(10_000);
	});

	it('are no longer asked for when they have been missing for more than ten seconds', () => {
		const peers = new Peers();
		peers.noteMessage('a', 1, true, now);
		peers.noteMessage('a', 3, true, now);
		expect([...peers.missingToAskFor(now + 20_000)]).to.deep.equal([]);
	});

	it('are no longer expected of a process that is silent for too long or announces its end', () => {
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

	it('are tracked for 1000 processes at most, and at most 10,000 missing ones of a process are asked for', () => {
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

describe('a process', () => {
	let log: ReturnType<typeof memoryLog>;
	/** For each request to read the latest writes again: from which time on, in ms since 1970. */
	let requested: number[];
	let handlers: LinkHandlers | undefined;

	/** A process whose messages reach nobody. @param maxBytes maximum size of a message */
	function join(bus: Bus, maxBytes = 1_048_576) {
		const link = {
			maxBytes,
			start(given: LinkHandlers) {
				handlers = given;
			},
			send() {},
			close: async () => {},
		};
		const catchUp = {
			isRunning: false,
			request: async (since: number) => void requested.push(since),
			settled: async () => {},
			onEnd() {},
			close: async () => {},
		};
		const changedElsewhere = { report() {}, settled: async () => {}, close: async () => {} };
		return joinCluster({ link, bus, catchUp, changedElsewhere, checkTokens() {}, log });
	}

	beforeEach(() => {
		log = memoryLog();
		requested = [];
	});

	it('logs an event of a stream that is too large to be sent to others, without its arguments', async () => {
		const bus = createBus(log);
		const cluster = join(bus, 1000);
		bus.publish('notify', { stream: 'news', eventName: 'all', args: ['x'.repeat(2000)] });
		await cluster.close();
		const [line, ...others] = log.lines.filter(({ level }) => level === 'error');
		expect(others).to.deep.equal([]);
		expect(line?.facts).to.deep.equal({ stream: 'news', maxBytes: 1000 });
	});

	it('sends no event that others would refuse as too large, even if the connection accepts it', async () => {
		const bus = createBus(log);
		const cluster = join(bus, 64 * 1024 * 1024);
		bus.publish('notify', { stream: 'news', eventName: 'all', args: ['x'.repeat(9_000_000)] });
		await cluster.close();
		const [line] = log.lines.filter(({ level }) => level === 'error');
		expect(line?.facts).to.deep.equal({ stream: 'news', maxBytes: 8 * 1024 * 1024 });
	});

	it('reads again everything written during the time for which a process was disconnected', async () => {
		const cluster = join(createBus(log));
		// The first request comes from connecting.
		handlers?.onConnect();
		// `hello`: for how many ms the sender was disconnected.
		for (const [from, hello] of [
			['one', 60_000],
			['two', Number.MAX_SAFE_INTEGER],
		])
			handlers?.onMessage(Buffer.from(JSON.stringify({ v: 1, from, n: 2, hello })));
		await cluster.close();
		expect(requested).to.have.length(3);
		expect(requested[1]).to.be.closeTo(Date.now() - 60_000, 10_000);
		expect(requested[2]).to.equal(0);
	});
});

describe('the messages to other processes', () => {
	function outboxOf(maxBytes: number) {
		const sent: Uint8Array[] = [];
		const unsendable: unknown[] = [];
		const send = (data: Uint8Array) => void sent.push(data);
		const onUnsendable = (event: unknown) => void unsendable.push(event);
		const outbox = createOutbox({ from: 'me', maxBytes: () => maxBytes, send, onUnsendable });
		return { outbox, sent, unsendable, messages: () => sent.map((data) => decodeMessage(data)) };
	}
	const changed = (id: string) =>
		eventOf('changed', { collection: 'rooms', action: 'updated', document: { _id: id } as never });

	it('combine the changes of one turn of the event loop, and name each document once', () => {
		const { outbox, messages } = outboxOf(10_000);
		for (const id of ['a', 'b', 'a']) outbox.add(changed(id));
		outbox.flush();
		const [message] = messages();
		expect(messages()).to.have.length(1);
		expect(message?.events?.map((event) => (event as { id: string }).id)).to.deep.equal(['b', 'a']);
	});

	it('are split at the maximum size, and numbered', () => {
		const { outbox, sent, messages } = outboxOf(1000);
		for (let i = 0; i < 50; i++) outbox.add(changed(`room ${i}`));
		outbox.flush();
		expect(sent.every(({ length }) => length <= 1000)).to.equal(true);
		expect(messages().map((message) => message?.n)).to.deep.equal(messages().map((_, i) => i + 1));
		expect(messages().flatMap((message) => message?.events ?? [])).to.have.length(50);
	});

	it('have few enough events each to be read', () => {
		const { outbox, messages } = outboxOf(8_000_000);
		for (let i = 0; i < 30_000; i++) outbox.add(changed(`room ${i}`));
		outbox.flush();
		expect(messages().flatMap((message) => message?.events ?? [])).to.have.length(30_000);
	});

	it('ask others to read everything again in place of an event that is too large', () => {
		const { outbox, unsendable, messages } = outboxOf(1000);
		outbox.add(eventOf('notify', { stream: 's', eventName: 'e', args: ['x'.repeat(2000)] }));
		outbox.flush();
		expect(messages()[0]?.events).to.deep.equal([{ type: 'look-again' }]);
		expect(unsendable).to.have.length(1);
	});

	const nested = JSON.parse(`${'['.repeat(98)}${']'.repeat(98)}`);
	for (const [name, arg] of Object.entries({
		'is nested too deep': nested,
		'has too many values': Array(100_000).fill(0),
		'has a key __proto__': JSON.parse('{"__proto__": 1}'),
		'has no EJSON': 1n,
	})) {
		it(`contain no event that ${name}, which others could not read: they read everything again instead`, () => {
			const { outbox, unsendable, messages } = outboxOf(8_000_000);
			outbox.add(changed('a'));
			outbox.add(eventOf('notify', { stream: 's', eventName: 'e', args: [arg] }));
			outbox.flush();
			expect(messages()[0]?.events).to.deep.equal([changed('a'), { type: 'look-again' }]);
			expect(unsendable).to.have.length(1);
		});
	}

	it('are sent again once, even if several processes request them', () => {
		const { outbox, messages } = outboxOf(10_000);
		outbox.add(changed('a'));
		outbox.flush();
		expect([outbox.resend([1, 2]), outbox.resend([1])]).to.deep.equal([1, 0]);
		expect(messages()[1]).to.deep.equal(messages()[0]);
	});

	it('can be sent again until 10,000 newer ones were sent', () => {
		const { outbox } = outboxOf(10_000);
		for (let i = 0; i <= 10_000; i++) {
			outbox.add(changed('a'));
			outbox.flush();
		}
		expect([outbox.resend([1]), outbox.resend([2])]).to.deep.equal([0, 1]);
	});

	it('contain neither the keys of a removed membership nor revoked tokens', () => {
		const document = {
			_id: 'm',
			rid: 'r',
			u: { _id: 'alice', username: 'alice', extra: 1 },
			E2EKey: 'secret',
			E2ESuggestedKey: 'secret',
			t: 'p',
		};
		const removed = eventOf('changed', { collection: 'subscriptions', action: 'removed', document: document as never });
		expect(removed).to.deep.include({ last: { _id: 'm', rid: 'r', t: 'p', u: { _id: 'alice', username: 'alice' } } });
		const tokens = eventOf('tokens-removed', { userId: 'alice', hashedTokens: ['secret'] });
		expect(tokens).to.deep.equal({ type: 'tokens-removed', userId: 'alice' });
	});
});

describe('catching up with writes', () => {
	it('runs again after a failure, once for all requests until then, from the earliest of their times', async () => {
		const seen: number[] = [];
		let failures = 1;
		const catchUp = createCatchUp(
			[
				async (since) => {
					if (failures-- > 0) throw new Error('unavailable');
					seen.push(since.getTime());
				},
			],
			memoryLog(),
		);
		let ends = 0;
		catchUp.onEnd(() => ends++);
		void catchUp.request(100_000);
		void catchUp.request(50_000);
		await catchUp.request(70_000);
		// Ten seconds before the earliest requested time, because clocks differ.
		expect(seen).to.deep.equal([40_000]);
		expect([catchUp.isRunning, ends]).to.deep.equal([false, 1]);
		await catchUp.close();
	});

	it('runs again for a request at any moment at which a run ends', async () => {
		const lastRunOf = async (microtasks: number) => {
			const seen: number[] = [];
			const catchUp = createCatchUp([async (since) => void seen.push(since.getTime())], memoryLog());
			void catchUp.request(100_000);
			for (let i = 0; i < microtasks; i++) await undefined;
			await catchUp.request(50_000);
			expect(catchUp.isRunning).to.equal(false);
			return seen.at(-1);
		};
		const lastRuns = await Promise.all(Array.from({ length: 12 }, (_, i) => lastRunOf(i)));
		expect(new Set(lastRuns)).to.deep.equal(new Set([40_000]));
	});

	it('stops waiting when the server closes', async () => {
		const fail = () => Promise.reject(new Error('unavailable'));
		const catchUp = createCatchUp([fail], memoryLog());
		const request = catchUp.request(0);
		await catchUp.close();
		await request;
		expect(catchUp.isRunning).to.equal(false);
	});
});

describe('the settings of NATS', () => {
	const none = { 'nats-credentials': undefined, 'nats-ca': undefined, 'nats-cert': undefined, 'nats-key': undefined };
	const SEED = `SU${'A'.repeat(56)}`;

	it('take addresses with and without credentials', () => {
		expect(parseNatsUrls('nats://one:1234, two')).to.deep.equal({ servers: ['one:1234', 'two:4222'], isTls: false });
		const credentialsIn = (urls: string) => parseNatsUrls(urls).credentials;
		expect(parseNatsUrls('tls://u@host')).to.include({ isTls: true });
		expect(credentialsIn('tls://u%3A%40:p%3A@host')).to.deep.equal({ user: 'u:@', pass: 'p:' });
		expect(credentialsIn('nats://one,nats://token@two')).to.deep.equal({ token: 'token' });
		expect(credentialsIn('nats://to%3Aken@host')).to.deep.equal({ token: 'to:ken' });
		expect(credentialsIn(`nats://${SEED}@host`)).to.deep.equal({ seed: SEED });
	});

	it('prefer nats-credentials to the credentials in an address', () => {
		const credentialsOf = (given: string) =>
			natsSettings('nats://u:p@h', { ...none, 'nats-credentials': given }).credentials;
		expect(credentialsOf('v:q:r')).to.deep.equal({ user: 'v', pass: 'q:r' });
		expect(credentialsOf('token')).to.deep.equal({ token: 'token' });
		expect(credentialsOf(SEED)).to.deep.equal({ seed: SEED });
	});

	it('are not quoted in errors if they contain a password', () => {
		for (const urls of [
			'http://u:secret@host',
			'nats://u:secret@',
			'nats://u:secret@host:port',
			'u:secret%@host',
			'nats://:secret@host',
			'',
		]) {
			expect(() => parseNatsUrls(urls))
				.to.throw(OptionError, /nats must be/)
				.with.property('message')
				.not.include('secret');
		}
	});

	it('require files that can be read, and a certificate with its key', () => {
		expect(() => natsSettings('nats://h', { ...none, 'nats-ca': '/nowhere' })).to.throw(OptionError, /nats-ca/);
		expect(() => natsSettings('nats://h', { ...none, 'nats-cert': '/nowhere' })).to.throw(
			OptionError,
			/need each other/,
		);
	});

	it('are checked with all other settings, before anything is opened', () => {
		const nats = 'nats://127.0.0.1:4222';
		expect(() => checkServerOptions({ nats, natsCert: 'package.json', port: -1 })).to.throw(
			OptionError,
			/^2 settings are wrong:.*port.*nats-cert and nats-key need each other/s,
		);
		expect(() => checkServerOptions({ nats, natsCa: '/nowhere/ca', tlsCert: '/nowhere/cert' })).to.throw(
			OptionError,
			/^2 settings are wrong:.*tls-cert and tls-key need each other.*nats-ca: the file \/nowhere\/ca cannot be read/s,
		);
	});
});
