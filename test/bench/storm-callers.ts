/**
 * Sessions that are logged in before the storm of `storm.ts`. They call at a steady pace, however long answers take.
 */
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

// Real clients run on other machines. With this priority, the measured times include little wait for a core.
try {
	setPriority(-10);
} catch {
	// Only root may raise the priority.
}

const work = watchWork();

process.on('message', (message: CallersOrder | 'times' | 'work') => {
	if (message === 'times') process.send?.(times.splice(0));
	else if (message === 'work') process.send?.(work());
	else void start(message).then(() => process.send?.('ready'));
});
process.on('disconnect', () => process.exit());

/** How long each call took, in ms. */
const times: number[] = [];

async function start({ port, tokens, rid, every }: CallersOrder): Promise<void> {
	const next = () => `{"msg":"method","method":"e2e.setRoomKeyID","params":["${rid}","other"]`;
	for (const token of tokens) {
		/** When the unanswered calls began. Answers come in the order of the calls. */
		const began: number[] = [];
		const open = ddpConnection(port, next, token);
		const caller = await open(() => times.push(performance.now() - (began.shift() as number)));
		setInterval(() => {
			began.push(performance.now());
			caller.call();
		}, every);
		// So that the sessions do not call at the same moments.
		await new Promise((resolve) => setTimeout(resolve, every / tokens.length));
	}
}
