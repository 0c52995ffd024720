import { createServer } from 'roomkey';
import { addTask, finishTask, myTasks, tasks } from './tasks.js';

const server = await createServer({
	collections: [tasks],
	methods: [addTask, finishTask],
	publications: [myTasks],
	signUps: true,
	store: { memory: true },
	port: Number(process.env.PORT ?? 3000),
});
console.log(`Listening on ${server.url}`);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close());
