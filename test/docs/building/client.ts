import SimpleDDP from 'simpleddp';
import { WebSocket } from 'ws';

export async function addTwoTasks(endpoint: string): Promise<object[]> {
	const client = new SimpleDDP({ endpoint, SocketConstructor: WebSocket });
	await client.connect();
	await client.call('createUser', { username: 'alice', password: 'a long one' });
	await client.call('tasks.add', 'write');
	await client.call('tasks.add', 'read');
	await client.subscribe('tasks.mine').ready();
	const tasks = client.collection('tasks').fetch();
	await client.disconnect();
	return tasks;
}
