/** The connection to NATS, with a fake server. `test/cluster/nats.test.ts` has a real one. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { natsLink } from '../../server/cluster/nats.js';
import { memoryLog } from '../support/log.js';

describe('the connection to NATS', () => {
	it('closes while the subscription waits for its answer', async () => {
		let socket: Socket | undefined;
		let pings = 0;
		const nats = createServer((connected) => {
			socket = connected;
			connected.write('INFO {"server_id":"x","version":"2.10.0","proto":1,"headers":true,"max_payload":1048576}\r\n');
			connected.on('data', (data) => {
				pings += String(data).split('PING').length - 1;
				// The first ping belongs to the login, the second to the subscription.
				if (pings === 1) connected.write('PONG\r\n');
				else nats.emit('waiting');
			});
		});
		nats.listen(0, '127.0.0.1');
		await once(nats, 'listening');
		const { port } = nats.address() as AddressInfo;
		const link = natsLink({ servers: [`127.0.0.1:${port}`], subject: 's', log: memoryLog() });
		let connections = 0;
		const waiting = once(nats, 'waiting');
		link.start({ onMessage() {}, onConnect: () => connections++, onDisconnect() {} });
		await waiting;
		const closed = link.close();
		socket?.write('PONG\r\n');
		await closed;
		expect(connections).to.equal(0);
		nats.close();
	});
});
