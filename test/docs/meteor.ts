/**
 * Runs the Meteor blocks of docs/from-meteor.md. Stand-ins for Meteor's globals collect the definitions. These become
 * the options of a Roomkey server.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
	ClientError,
	type CollectionDefinition,
	check,
	collection,
	liveQuery,
	loginHandler,
	Match,
	method,
	publication,
	type RateMatcher,
	type ServerOptions,
} from '../../server/index.js';

// biome-ignore lint/suspicious/noExplicitAny: code of Meteor has no types
type Any = any;
type Handler = (this: Any, ...args: Any[]) => Any;

/** The data that Meteor code uses: in a handler that of its context, in `Meteor.startup` that of the server. */
interface Database {
	readonly collections: Any;
	readonly store: Any;
}

/** Names for the arguments of a handler. Arguments have names in Roomkey, but only positions in Meteor. */
const PARAMS = ['a', 'b', 'c', 'd'];
const anyArgs = Object.fromEntries(PARAMS.map((name) => [name, Match.Any]));

/** Runs Meteor code. @returns the options of its server, and a function that runs its `Meteor.startup` */
export function runMeteor(code: string): { options: ServerOptions; start(server: Database): Promise<void> } {
	const database = new AsyncLocalStorage<Database>();
	const current = () => database.getStore() as Database;
	const collections: CollectionDefinition[] = [];
	const methods: Any[] = [];
	const publications: Any[] = [];
	const limits: Any[] = [];
	const loginHandlers: Any[] = [];
	const onConnection: Any[] = [];
	const startups: (() => unknown)[] = [];
	let signUps = true;

	const run = (handler: Handler, args: Any, context: Any) =>
		database.run(context, () =>
			handler.apply(
				context,
				PARAMS.slice(0, handler.length).map((name) => args[name]),
			),
		);

	const cursor = (definition: CollectionDefinition, filter: Any, options: Any) => ({
		query: () => liveQuery(definition as Any, filter, options?.fields ?? {}),
		countAsync: () => current().collections[definition.name].countDocuments(filter),
	});

	class Collection {
		readonly #definition: CollectionDefinition;
		constructor(readonly name: string) {
			this.#definition = collection(name);
			collections.push(this.#definition);
		}
		async insertAsync(document: Any): Promise<string> {
			const _id = document._id ?? crypto.randomUUID();
			await current().collections[this.name].insertOne({ ...document, _id });
			return _id;
		}
		async updateAsync(filter: Any, update: Any): Promise<number> {
			return (await current().collections[this.name].updateOne(filter, update)).matchedCount;
		}
		find(filter: Any, options?: Any) {
			return cursor(this.#definition, filter, options);
		}
	}

	const names = {
		check,
		Match,
		Mongo: { Collection },
		Meteor: {
			Error: ClientError,
			users: { findOneAsync: (filter: Any) => current().store.users.findOne(filter) },
			setInterval,
			clearInterval,
			startup: (start: () => unknown) => startups.push(start),
			onConnection: (listener: Any) => onConnection.push(listener),
			methods(handlers: Record<string, Handler>) {
				for (const [name, handler] of Object.entries(handlers)) {
					methods.push(
						method({
							name,
							summary: 'of Meteor',
							anonymous: true,
							args: anyArgs,
							run: (args, context) => run(handler, args, context),
						}),
					);
				}
			},
			publish(name: string, handler: Handler) {
				publications.push(
					publication({
						name,
						summary: 'of Meteor',
						anonymous: true,
						args: anyArgs,
						run: (args, context) => run(handler, args, context)?.query(),
					}),
				);
			},
		},
		DDPRateLimiter: {
			addRule: (matcher: RateMatcher, calls: number, per: number) => limits.push({ matcher, calls, per }),
		},
		Accounts: {
			registerLoginHandler: (name: string, handler: Any) =>
				loginHandlers.push(loginHandler(name, (options, context) => database.run(context, () => handler(options)))),
			config({ forbidClientAccountCreation }: { forbidClientAccountCreation: boolean }) {
				signUps = !forbidClientAccountCreation;
			},
		},
	};
	new Function(...Object.keys(names), code)(...Object.values(names));
	return {
		options: { collections, methods, publications, limits, loginHandlers, onConnection, signUps },
		start: (server) => database.run(server, () => Promise.all(startups.map((start) => start())).then(() => {})),
	};
}
