import SimpleDDP from 'simpleddp';
import { WebSocket } from 'ws';

const endpoint = `ws://127.0.0.1:${process.env.PORT ?? 3000}/websocket`;
const client = new SimpleDDP({ endpoint, SocketConstructor: WebSocket });
await client.connect();
await client.call('createUser', { username: 'alice', password: 'a long one' });
await client.call('tasks.add', 'write');
await client.call('tasks.add', 'read');
await client.subscribe('tasks.mine').ready();
console.log(client.collection('tasks').fetch());
await client.disconnect();
