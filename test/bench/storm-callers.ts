/** Sessions that were there before a storm, in a process of their own: they call at a steady pace, whatever the answers take. */
import { setPriority } from 'node:os';
import { ddpConnection } from './load.js';
import { watchWork } from './storm-work.js';

export interface CallersOrder {
	readonly port: number;
	readonly tokens: readonly string[];
	readonly rid: string;
	/** Time between two calls of one session, in ms. */
	readonly every: number;
}

// In life they are on other machines, so what they measure is not their own wait for a processor.
try {
	setPriority(-10);
} catch {
	// Only the superuser may.
}

const work = watchWork();

process.on('message', (message: CallersOrder | 'times' | 'work') => {
	if (message === 'times') process.send?.(times.splice(0));
	else if (message === 'work') process.send?.(work());
	else void start(message).then(() => process.send?.('ready'));
});
process.on('disconnect', () => process.exit());

/** How long each call took since it was last asked for, in ms. */
const times: number[] = [];

async function start({ port, tokens, rid, every }: CallersOrder): Promise<void> {
	const next = () => `{"msg":"method","method":"e2e.setRoomKeyID","params":["${rid}","other"]`;
	for (const token of tokens) {
		/** When the calls without an answer began. Answers come in order. */
		const began: number[] = [];
		const open = ddpConnection(port, next, token);
		const caller = await open(() => times.push(performance.now() - (began.shift() as number)));
		setInterval(() => {
			began.push(performance.now());
			caller.call();
		}, every);
		// The sessions take turns.
		await new Promise((resolve) => setTimeout(resolve, every / tokens.length));
	}
}
