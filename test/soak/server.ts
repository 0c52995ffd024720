/** The server of `npm run soak`: Roomkey with two more publications. */

import { EventEmitter, once } from 'node:events';
import { pino } from 'pino';
import * as catalogue from '../../methods/index.js';
import { createApp } from '../../server/start/app.js';
import { openStore } from '../../server/store/open.js';
import { liveQuery, publication } from '../../shared/publication.js';
import { testOptions } from '../support/options.js';
import { addRoom } from '../support/people.js';

export interface SoakServer {
	readonly url: string;
	/** Numbers that must not grow. */
	counts(): { sessions: number; listeners: number; timers: number };
	/** Lets each `onStop` of `soak.slow` finish. Resolves when all have finished. */
	finishOnStops(): Promise<void>;
	close(): Promise<void>;
}

const rooms = publication({
	name: 'soak.rooms',
	summary: 'A room',
	args: {},
	anonymous: true,
	run: () => liveQuery('rooms', { t: 'p' }, { t: 1 }),
});

export async function startSoakServer(): Promise<SoakServer> {
	const log = pino({ level: 'silent' });
	const { store, onChange, close: closeStore } = await openStore({ kind: 'memory' }, log);
	await addRoom(store, []);
	const gate = new EventEmitter().setMaxListeners(0);
	const ends = new Set<Promise<void>>();

	async function end(shown: unknown): Promise<void> {
		await once(gate, 'open');
		if (!shown) throw new Error('what was shown is gone');
	}
	/** Its `onStop` refers to the published fields until `finishOnStops` lets it finish. */
	const slow = publication({
		name: 'soak.slow',
		summary: 'Takes long to end',
		args: {},
		anonymous: true,
		run(_args, context) {
			const shown = { text: 'x'.repeat(1000) };
			context.added('soak', context.connection?.id, shown);
			context.onStop(() => {
				const ending = end(shown).finally(() => ends.delete(ending));
				ends.add(ending);
				return ending;
			});
			context.ready();
		},
	});

	const app = createApp({
		catalogue: { ...catalogue, publications: [...catalogue.publications, rooms, slow] },
		...testOptions,
		grace: 0,
		store,
		onChange,
		log,
	});
	const port = await app.listen(0, '127.0.0.1');
	return {
		url: `ws://127.0.0.1:${port}/websocket`,
		counts: () => ({
			...app.counts(),
			timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
		}),
		async finishOnStops() {
			gate.emit('open');
			await Promise.all(ends);
		},
		async close() {
			await app.close();
			await closeStore();
		},
	};
}
