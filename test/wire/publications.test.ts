/** Publications over real sockets. The numbers in titles are sections of test/contract/ddp.md. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { ClientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import { liveQuery, type PublicationContext, publication } from '../../shared/publication.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import type { RawClient } from '../support/ddp.js';
import {
	echo,
	gate,
	INTERNAL,
	NOSUB,
	type PublishFunction,
	publishFunctions,
	READY,
	settablePublications,
	setUser,
	subscribe,
} from '../support/publishFunctions.js';

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;

/** The publish functions of two universal publications. */
let universal: PublishFunction = () => {};
let secondUniversal: PublishFunction = () => {};

const publications = [
	...settablePublications,
	publication({ ...anyone, name: 'typed', args: { n: Number }, run: (_args, context) => context.ready() }),
	// Its time limit is so long that no test reaches it.
	publication({
		...anyone,
		name: 'patient',
		timeout: 1_000_000,
		run: (_args, context) => publishFunctions.get('patient')?.(context, []),
	}),
	publication({ ...anyone, name: 'users only', anonymous: false, run: (_args, context) => context.ready() }),
	publication({ ...anyone, name: null, run: (_args, context) => universal(context, []) }),
	publication({ ...anyone, name: null, run: (_args, context) => secondUniversal(context, []) }),
];

const methods = [
	echo,
	setUser,
	method({
		...anyone,
		name: 'userAndConnection',
		run: (_args, { userId, connection }) => ({ userId, connection: connection?.id }),
	}),
	method({
		...anyone,
		name: 'cyclic details',
		run() {
			const details: { self?: unknown } = {};
			details.self = details;
			throw new ClientError('cyclic', 'x', details);
		},
	}),
];

const withRole = (role: string) => liveQuery('permissions', { roles: role }, { roles: 1 });

describe('publications over DDP', () => {
	let app: TestApp;
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp({
			methods,
			publications,
			strategies: { events: 'NO_MERGE_NO_HISTORY', ids: 'NO_MERGE_MULTI' },
		});
	});
	after(() => app.close());
	beforeEach(async () => {
		publishFunctions.clear();
		universal = () => {};
		secondUniversal = () => {};
		app.log.lines.length = 0;
	});

	const connect = () => clients.connect(app.webSocketUrl);

	const subscribeWith = async (run: PublishFunction, client?: RawClient, id?: string, name?: string) =>
		subscribe(client ?? (await connect()), run, id, name);

	const ADDED = { msg: 'added', collection: 'c', id: 'x', fields: { f: 1 } };
	const REMOVED = { msg: 'removed', collection: 'c', id: 'x' };
	const addDocument: PublishFunction = (context) => context.added('c', 'x', { f: 1 });
	const addAndReady: PublishFunction = (context) => {
		addDocument(context, []);
		context.ready();
	};
	const errorLines = () => app.log.lines.filter(({ level }) => level === 'error').map(({ text }) => text);
	/** The messages of the logged errors. */
	const errors = () =>
		app.log.lines
			.filter(({ level }) => level === 'error')
			.map(({ facts }) => String((facts as { err?: Error }).err?.message ?? (facts as { err?: unknown }).err));

	describe('a server that receives sub and unsub (10)', () => {
		it('sends documents, then ready', async () => {
			expect(await subscribeWith(addAndReady)).to.deep.equal([ADDED, READY]);
		});

		it('answers an unknown name with nosub 404', async () => {
			const client = await connect();
			client.send({ msg: 'sub', id: 's', name: 'toString' });
			expect(await client.next())
				.to.deep.include({ msg: 'nosub', id: 's' })
				.and.have.nested.property('error.error', 404);
		});

		it('ignores a sub with the id of an active subscription, whatever its name', async () => {
			const client = await connect();
			await subscribeWith(addAndReady, client);
			expect(await subscribeWith(addAndReady, client, 's', 'b')).to.deep.equal([]);
		});

		it('answers unsub with `removed` and nosub, and a second unsub with nosub', async () => {
			const client = await connect();
			await subscribeWith(addAndReady, client);
			client.send({ msg: 'unsub', id: 's' });
			client.send({ msg: 'unsub', id: 's' });
			expect(await client.untilEcho()).to.deep.equal([REMOVED, NOSUB, NOSUB]);
		});

		it('sends `changed` for a document that another subscription still publishes', async () => {
			const client = await connect();
			await subscribeWith(addAndReady, client);
			await subscribeWith((context) => context.added('c', 'x', { f: 2 }), client, 't', 'b');
			client.send({ msg: 'unsub', id: 's' });
			expect(await client.untilEcho()).to.deep.equal([{ ...ADDED, msg: 'changed', fields: { f: 2 } }, NOSUB]);
		});

		it('accepts the id of a subscription that has stopped', async () => {
			const client = await connect();
			await subscribeWith(addAndReady, client);
			client.send({ msg: 'unsub', id: 's' });
			await client.untilEcho();
			expect(await subscribeWith(addAndReady, client)).to.deep.equal([ADDED, READY]);
		});

		it('refuses invalid parameters', async () => {
			const client = await connect();
			client.send({ msg: 'sub', id: 's', name: 'typed', params: ['1'] });
			expect(await client.next()).to.have.nested.property('error.reason', 'Match failed');
		});

		it('refuses a publication for users to a client that is not logged in', async () => {
			const client = await connect();
			client.send({ msg: 'sub', id: 's', name: 'users only' });
			expect(await client.next()).to.have.nested.property('error.error', 'error-invalid-user');
		});

		it('delays later messages until the publish function has ended', async () => {
			const client = await connect();
			const end = gate();
			publishFunctions.set('a', () => end.opened);
			publishFunctions.set('b', (context) => context.ready());
			client.send({ msg: 'sub', id: 's', name: 'a' });
			client.send({ msg: 'sub', id: 't', name: 'b' });
			client.send({ msg: 'ping' });
			expect(await client.next()).to.deep.equal({ msg: 'pong' });
			end.open();
			expect(await client.next()).to.deep.equal({ msg: 'ready', subs: ['t'] });
		});

		it('lets the next message start after unblock', async () => {
			const end = gate();
			const run: PublishFunction = async (context) => {
				context.unblock();
				context.unblock();
				await end.opened;
				context.ready();
			};
			const client = await connect();
			expect(await subscribeWith(run, client)).to.deep.equal([]);
			end.open();
			expect(await client.next()).to.deep.equal(READY);
		});
	});

	describe('a publish function (10)', () => {
		const cases: [string, PublishFunction, object[], error?: string][] = [
			[
				'sends ready once if it calls ready twice',
				(context) => {
					context.ready();
					context.ready();
				},
				[READY],
			],
			['sends ready for a live query without documents', () => withRole('none'), [READY]],
			['sends ready if it returns an empty array', () => [], [READY]],
			['sends nothing if it returns nothing', () => undefined, []],
			['sends nothing if it returns false', () => false, []],
			[
				'ends with 500 if it returns an array of numbers',
				() => [5],
				[{ ...NOSUB, error: INTERNAL }],
				'Publish function returned an array of something else than live queries',
			],
			[
				'ends with 500 if it returns two live queries of one collection',
				() => [withRole('r'), withRole('q')],
				[{ ...NOSUB, error: INTERNAL }],
				'Publish function returned multiple live queries for collection rocketchat_permissions',
			],
			[
				'ends with 500 if it returns another object than a live query',
				() => ({}),
				[{ ...NOSUB, error: INTERNAL }],
				'Publish function can only return what liveQuery() makes, or an array of that',
			],
			[
				'removes its documents and ends with 500 if it throws',
				(context) => {
					addDocument(context, []);
					throw new Error('a secret');
				},
				[ADDED, REMOVED, { ...NOSUB, error: INTERNAL }],
				'a secret',
			],
			[
				'ends with 500 if it rejects with undefined',
				() => Promise.reject(),
				[{ ...NOSUB, error: INTERNAL }],
				'undefined',
			],
			[
				'removes its documents and ends with an error by error(e)',
				(context) => {
					addDocument(context, []);
					context.error(new ClientError('nope', 'NOPE'));
				},
				[
					ADDED,
					REMOVED,
					{
						...NOSUB,
						error: {
							isClientSafe: true,
							error: 'nope',
							reason: 'NOPE',
							message: 'NOPE [nope]',
							errorType: 'Meteor.Error',
						},
					},
				],
			],
			[
				'removes its documents and ends without an error by error()',
				(context) => {
					addDocument(context, []);
					context.error();
				},
				[ADDED, REMOVED, NOSUB],
			],
			[
				'removes its documents and ends by stop()',
				(context) => {
					addAndReady(context, []);
					context.stop();
				},
				[ADDED, READY, REMOVED, NOSUB],
			],
			[
				'has no effect after stop()',
				(context) => {
					context.stop();
					addAndReady(context, []);
					context.changed('c', 'x', {});
					context.removed('c', 'x');
					context.error(new Error('unheard'));
					context.stop();
					return withRole('none');
				},
				[NOSUB],
			],
			[
				'ends with 500 if it changes a missing document',
				(context) => context.changed('c', 'x', {}),
				[{ ...NOSUB, error: INTERNAL }],
				'Could not find element with id x to change',
			],
			[
				'ends with 500 if it removes a missing document',
				(context) => context.removed('c', 'x'),
				[{ ...NOSUB, error: INTERNAL }],
				'Removed nonexistent document x',
			],
			[
				'ends with 500 if it adds a document whose id is an object',
				(context) => context.added('c', {}, {}),
				[{ ...NOSUB, error: INTERNAL }],
				'Meteor does not currently support objects other than ObjectID as ids',
			],
		];
		for (const [title, run, frames, error] of cases) {
			it(title, async () => {
				expect(await subscribeWith(run)).to.deep.equal(frames);
				expect(errors()).to.deep.equal(error === undefined ? [] : [error]);
				if (error) expect(errorLines()).to.deep.equal(['Exception from sub a id s']);
			});
		}

		it('ends with 500 if it adds a document that cannot be encoded', async () => {
			expect(await subscribeWith((context) => context.added('c', 'x', { big: 10n }))).to.deep.equal([
				{ ...NOSUB, error: INTERNAL },
			]);
		});

		for (const fields of [undefined, null, 'text', ['list'], new Date(0), new Uint8Array(1)]) {
			const type = String(fields === null || fields === undefined ? fields : fields.constructor.name);
			it(`ends with 500 if it publishes ${type} instead of fields`, async () => {
				const refused = { ...NOSUB, error: INTERNAL };
				expect(await subscribeWith((context) => context.added('c', 'x', fields as never))).to.deep.equal([refused]);
				const frames = await subscribeWith((context) => {
					addDocument(context, []);
					context.changed('c', 'x', fields as never);
				});
				expect(frames).to.deep.equal([ADDED, REMOVED, refused]);
				expect(errors()[0]).to.match(/^The fields of a document must be an object, not /);
			});
		}

		it('may publish an instance of a class, as an object', async () => {
			class Point {
				f = 1;
			}
			expect(await subscribeWith((context) => context.added('c', 'x', new Point() as never))).to.deep.equal([ADDED]);
		});

		it('ends with 500 for an unencodable value of a field that the client has', async () => {
			const client = await connect();
			await subscribeWith(addAndReady, client);
			expect(await subscribeWith((context) => context.added('c', 'x', { f: 10n }), client, 't', 'b')).to.deep.equal([
				{ msg: 'nosub', id: 't', error: INTERNAL },
			]);
			client.send({ msg: 'unsub', id: 's' });
			expect(await client.untilEcho()).to.deep.equal([REMOVED, NOSUB]);
		});

		it('sends 500 in place of a ClientError with unencodable details, as a method does', async () => {
			const details = { big: 10n };
			const frames = await subscribeWith((context) => context.error(new ClientError('big', 'x', details)));
			expect(frames).to.deep.equal([{ ...NOSUB, error: INTERNAL }]);
			const client = await connect();
			expect(await client.call('cyclic details')).to.deep.include({ error: INTERNAL });
		});

		it('calls methods as its user, and ends with 500 if a method fails (6)', async () => {
			const seen: unknown[] = [];
			const client = await connect();
			await subscribeWith(async (context) => {
				seen.push(await context.call('userAndConnection'));
				if (context.userId) await context.call('setUser', 'eve');
			}, client);
			client.send({ msg: 'method', id: '1', method: 'setUser', params: ['bob'] });
			expect(await client.take(2)).to.deep.equal([
				{ ...NOSUB, error: INTERNAL },
				{ msg: 'updated', methods: ['1'] },
			]);
			expect(seen).to.deep.equal([
				{ userId: null, connection: client.session },
				{ userId: 'bob', connection: client.session },
			]);
			expect(errors()).to.include("Can't call setUserId on a server initiated method call");
		});

		it('has its onStop listeners called when it stops, or at once if it has stopped', async () => {
			const received: string[] = [];
			await subscribeWith((context) => {
				context.onStop(() => void received.push('stopped'));
				context.stop();
				context.onStop(() => void received.push('at once'));
				received.push('end');
			});
			expect(received).to.deep.equal(['stopped', 'at once', 'end']);
		});

		it('that never returns does not count as an unanswered request after its subscription has ended', async () => {
			const client = await connect();
			publishFunctions.set('patient', (context) => {
				context.unblock();
				return new Promise(() => {});
			});
			// More requests than may be unanswered.
			const ids = Array.from({ length: 150 }, (_, i) => `s${i}`);
			for (const id of ids) {
				client.send({ msg: 'sub', id, name: 'patient' });
				client.send({ msg: 'unsub', id });
			}
			expect(await client.untilEcho()).to.deep.equal(ids.map((id) => ({ msg: 'nosub', id })));
		});

		for (const [what, run] of [
			['never returns', () => new Promise(() => {})],
			['never calls ready', () => {}],
		] as const) {
			it(`that ${what} does not keep its subscription in memory after the subscription has ended`, async () => {
				setFlagsFromString('--expose-gc');
				const collectGarbage = runInNewContext('gc') as () => void;
				const client = await connect();
				let ended: WeakRef<PublicationContext> | undefined;
				publishFunctions.set('patient', (context) => {
					context.unblock();
					ended = new WeakRef(context);
					return run();
				});
				client.send({ msg: 'sub', id: 's', name: 'patient' });
				await client.untilEcho();
				client.send({ msg: 'unsub', id: 's' });
				expect(await client.untilEcho()).to.deep.equal([NOSUB]);
				while (ended?.deref()) {
					await nextTurn();
					collectGarbage();
				}
			});
		}

		it('has its onStop listeners called when the client disconnects', async () => {
			const client = await connect();
			const stopped = gate();
			await subscribeWith((context) => context.onStop(stopped.open), client);
			client.socket.terminate();
			await stopped.opened;
		});

		it('does not hold up a change of the user if it stops and its publish function never ends', async () => {
			const client = await connect();
			publishFunctions.set('patient', (context) => context.ready());
			client.send({ msg: 'sub', id: 's', name: 'patient' });
			await client.next();
			publishFunctions.set('patient', (context) => {
				context.stop();
				return new Promise(() => {});
			});
			expect((await client.call('setUser', 'bob')).result).to.equal('bob');
		});

		it('has its other onStop listeners called if one throws or rejects', async () => {
			const frames = await subscribeWith((context) => {
				context.onStop(() => {
					throw new Error('thrown');
				});
				context.onStop(() => Promise.reject(new Error('rejected')));
				context.stop();
			});
			expect(frames).to.deep.equal([NOSUB]);
			expect(errors()).to.deep.equal(['thrown', 'rejected']);
		});

		for (const returned of [true, 0, 'x', {}, setTimeout]) {
			it(`may have an onStop listener that returns a value, which is ignored: ${typeof returned}`, async () => {
				const frames = await subscribeWith((context) => {
					context.onStop(() => returned as unknown as undefined);
					context.stop();
				});
				expect(frames).to.deep.equal([NOSUB]);
				expect(errors()).to.deep.equal([]);
			});
		}

		it('has a signal that fires when the subscription stops', async () => {
			let signal: AbortSignal | undefined;
			await subscribeWith((context) => {
				signal = context.signal;
				expect(signal.aborted).to.equal(false);
				context.stop();
			});
			expect(signal?.aborted).to.equal(true);
		});

		it('may change an object that it has published, and publish it again', async () => {
			const client = await connect();
			const shown = { list: [1] };
			const [change, changed] = [gate(), gate()];
			await subscribeWith((context) => {
				context.added('c', 'x', shown);
				void change.opened.then(() => {
					shown.list.push(2);
					context.changed('c', 'x', shown);
					changed.open();
				});
			}, client);
			change.open();
			await changed.opened;
			expect(await client.next()).to.deep.equal({ ...ADDED, msg: 'changed', fields: { list: [1, 2] } });
		});
	});

	describe('universal publications (10)', () => {
		const document = { msg: 'added', collection: 'u', id: 'x', fields: { user: null } };

		it('come right after connected, without ready', async () => {
			universal = (context) => {
				context.added('u', 'x', { user: context.userId });
				context.ready();
			};
			expect(await (await connect()).untilEcho()).to.deep.equal([document]);
		});

		it('send an error in a nosub without id', async () => {
			universal = () => Promise.reject(new ClientError('nope'));
			const [frame] = await (await connect()).take(1);
			expect(frame).to.include({ msg: 'nosub' }).and.not.have.property('id');
			expect(frame).to.have.nested.property('error.error', 'nope');
		});

		it('are awaited when the user changes, and keep their documents (19)', async () => {
			universal = async (context) => {
				await new Promise(setImmediate);
				context.added('u', 'x', { user: context.userId });
			};
			const client = await connect();
			expect(await client.next()).to.deep.equal(document);
			client.send({ msg: 'method', id: '1', method: 'setUser', params: ['bob'] });
			expect(await client.take(2)).to.deep.equal([
				{ ...document, msg: 'changed', fields: { user: 'bob' } },
				{ msg: 'updated', methods: ['1'] },
			]);
		});

		it('do not start on a connection that an earlier universal publication has closed', async () => {
			let started = false;
			universal = (context) => context.connection?.close();
			secondUniversal = () => {
				started = true;
			};
			const client = await connect();
			await client.closed;
			expect(started).to.equal(false);
		});
	});

	describe('the publication strategy (11)', () => {
		it('NO_MERGE_NO_HISTORY removes no document when a subscription stops', async () => {
			const frames = await subscribeWith((context) => {
				context.changed('events', 'id', { e: 1 });
				context.added('events', 'id', {});
				context.stop();
			});
			expect(frames.map(({ msg }) => msg)).to.deep.equal(['changed', 'added', 'nosub']);
		});

		it('NO_MERGE_MULTI remembers only ids', async () => {
			const client = await connect();
			const run: PublishFunction = (context) => context.added('ids', 'x', { f: 1 });
			expect(await subscribeWith(run, client)).to.deep.equal([{ ...ADDED, collection: 'ids' }]);
			expect(await subscribeWith(run, client, 't', 'b')).to.deep.equal([
				{ ...ADDED, msg: 'changed', collection: 'ids' },
			]);
		});
	});
});
