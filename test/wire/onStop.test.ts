/** Asynchronous onStop listeners. */
import { EventEmitter, once } from 'node:events';
import { expect } from 'chai';
import { publication } from '../../shared/publication.js';
import { startApp } from '../support/app.js';
import { RawClient } from '../support/ddp.js';

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
