/** Makes the large requests of the fairness bench, in a process of its own: reading a large answer would hold up the measuring client. */
import { RawClient } from '../support/ddp.js';

/** A call over DDP. */
export interface CallOrder {
	readonly port: number;
	readonly token: string;
	readonly call: readonly [method: string, ...params: unknown[]];
}

/** How long the call took, in ms, and how it ended. */
export interface CallReport {
	readonly took: number;
	readonly answer: string;
}

async function answerOf(client: RawClient, [method, ...params]: CallOrder['call']): Promise<string> {
	try {
		const { error } = await client.call(method, ...params);
		return error ? `${error.error}: ${error.reason}` : 'done';
	} catch {
		return 'the connection was closed';
	}
}

async function follow({ port, token, call }: CallOrder): Promise<CallReport> {
	const client = await RawClient.connect(`ws://127.0.0.1:${port}/websocket`);
	await client.call('login', { resume: token });
	const began = performance.now();
	const answer = await answerOf(client, call);
	const took = performance.now() - began;
	client.socket.terminate();
	return { took, answer };
}

process.on('message', (order: CallOrder) => void follow(order).then((report) => process.send?.(report)));
process.on('disconnect', () => process.exit());
