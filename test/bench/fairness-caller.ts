/**
 * Makes the large requests of the fairness bench, in a process of its own: reading their answers would delay the calls
 * that the bench measures.
 */
import { RawClient } from '../support/ddp.js';

export interface CallRequest {
	readonly port: number;
	readonly token: string;
	readonly call: readonly [method: string, ...params: unknown[]];
}

export interface CallReport {
	/** In ms. */
	readonly took: number;
	readonly answer: string;
}

async function answerOf(client: RawClient, [method, ...params]: CallRequest['call']): Promise<string> {
	try {
		const { error } = await client.call(method, ...params);
		return error ? `${error.error}: ${error.reason}` : 'done';
	} catch {
		return 'the connection was closed';
	}
}

async function makeCall({ port, token, call }: CallRequest): Promise<CallReport> {
	const client = await RawClient.connect(`ws://127.0.0.1:${port}/websocket`);
	await client.call('login', { resume: token });
	const began = performance.now();
	const answer = await answerOf(client, call);
	const took = performance.now() - began;
	client.socket.terminate();
	return { took, answer };
}

process.on('message', (request: CallRequest) => void makeCall(request).then((report) => process.send?.(report)));
process.on('disconnect', () => process.exit());
