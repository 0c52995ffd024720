/** The messages that this process sends to others. */
import { expect } from 'chai';
import { decodeMessage, eventOf } from '../../server/cluster/messages.js';
import { createOutbox } from '../../server/cluster/outbox.js';

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

	it('have no more events each than a reader accepts', () => {
		const { outbox, messages } = outboxOf(8_000_000);
		for (let i = 0; i < 30_000; i++) outbox.add(changed(`room ${i}`));
		outbox.flush();
		expect(messages().flatMap((message) => message?.events ?? [])).to.have.length(30_000);
	});

	it('replace an event that is too large by a request to read everything again', () => {
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
		it(`replace an event that ${name} by a request to read everything again`, () => {
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
