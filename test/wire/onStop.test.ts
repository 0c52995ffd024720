/** Listeners of `onStop`. */
import { EventEmitter, once } from 'node:events';
import { expect } from 'chai';
import { type PublicationContext, publication } from '../../shared/publication.js';
import { startApp } from '../support/app.js';
import { RawClient } from '../support/ddp.js';
import { addPerson } from '../support/people.js';

describe('an asynchronous onStop listener', () => {
	it('delays nothing, and its error is only logged', async () => {
		const gate = new EventEmitter();
		const failing = publication({
			name: 'test.failing',
			summary: 'Fails at its end',
			args: {},
			anonymous: true,
			run(_args, context) {
				context.onStop(async () => {
					await once(gate, 'open');
					throw new Error('too late');
				});
				context.ready();
			},
		});
		const app = await startApp({ publications: [failing] });
		const client = await RawClient.connect(app.webSocketUrl);
		client.send({ msg: 'sub', id: '1', name: 'test.failing', params: [] });
		client.send({ msg: 'unsub', id: '1' });
		expect(await client.take(2)).to.deep.equal([
			{ msg: 'ready', subs: ['1'] },
			{ msg: 'nosub', id: '1' },
		]);
		gate.emit('open');
		client.send({ msg: 'ping' });
		expect(await client.next()).to.deep.equal({ msg: 'pong' });
		expect(app.log.lines.map(({ text }) => text)).to.include('Exception in onStop of test.failing');
		await client.close();
		await app.close();
	});
});

describe('an onStop listener that stops another subscription at a login', () => {
	it('ends the other subscription for good', async () => {
		let other: PublicationContext | undefined;
		const stopping = publication({
			name: 'test.stopping',
			summary: 'Stops the other subscription at its end',
			args: {},
			anonymous: true,
			run(_args, context) {
				context.onStop(() => other?.stop());
				context.ready();
			},
		});
		const stopped = publication({
			name: 'test.stopped',
			summary: 'Is stopped',
			args: {},
			anonymous: true,
			run(_args, context) {
				other = context;
				context.ready();
			},
		});
		const app = await startApp({ publications: [stopping, stopped] });
		const alice = await addPerson(app.store, { username: 'alice' });
		const client = await RawClient.connect(app.webSocketUrl);
		client.send({ msg: 'sub', id: '1', name: 'test.stopping', params: [] });
		client.send({ msg: 'sub', id: '2', name: 'test.stopped', params: [] });
		expect(await client.take(2)).to.deep.equal([
			{ msg: 'ready', subs: ['1'] },
			{ msg: 'ready', subs: ['2'] },
		]);
		client.send({ msg: 'method', id: 'login', method: 'login', params: [{ resume: alice.token }] });
		expect(await client.nextThat(({ msg }) => msg === 'nosub')).to.deep.equal({ msg: 'nosub', id: '2' });
		expect(await client.nextThat(({ msg }) => msg === 'ready')).to.deep.equal({ msg: 'ready', subs: ['1'] });
		await client.close();
		await app.close();
	});
});
