/** What REST offers: each method that has a verb, and the few paths that are no method of ours. */
import type { Method } from '../../shared/method.js';
import type { Caller } from '../caller.js';
import type { Invoker, Services } from '../invoke.js';
import { logIn, logOut } from './accounts.js';
import { type Answer, refused, succeeded } from './envelope.js';
import { callMethod } from './methodCall.js';

export type Verb = 'GET' | 'POST';

/** A request, without what HTTP adds. */
export interface Request {
	/** The body of a POST, the query of a GET; `{}` where there is none. */
	readonly members: unknown;
	/** The method a path names, for those that name one. */
	readonly pathName: string;
	readonly caller: Caller;
}

export interface Route {
	/** Below `/api/v1/`. */
	readonly path: string;
	readonly verbs: readonly Verb[];
	/** Whether the caller must log in, may, or is not asked: old credentials must not keep anyone from a new login. */
	readonly credentials: 'required' | 'optional' | 'ignored';
	answer(request: Request): Promise<Answer>;
}

/** A method's route, derived from its definition: members become arguments by name. */
function methodRoute({ name, anonymous, args }: Method, verb: Verb, invoker: Invoker): Route {
	return {
		path: name,
		verbs: [verb],
		credentials: anonymous ? 'optional' : 'required',
		async answer({ members, caller }) {
			if (typeof members !== 'object' || members === null || Array.isArray(members)) {
				return refused(400, 'The body must be a JSON object');
			}
			const given = members as Record<string, unknown>;
			const params = args.map(([arg]) => (Object.hasOwn(given, arg) ? given[arg] : undefined));
			return succeeded(await invoker.invoke(name, params, caller));
		},
	};
}

/** Every route of a server with these methods. */
export function routesOf(methods: readonly Method[], invoker: Invoker, services: Services): Route[] {
	const methodCall: Route['answer'] = ({ pathName, members, caller }) => callMethod(invoker, pathName, members, caller);
	return [
		...methods.flatMap((method) => (method.rest ? [methodRoute(method, method.rest, invoker)] : [])),
		{
			path: 'method.call/:method',
			verbs: ['POST'],
			credentials: 'required',
			answer: methodCall,
		},
		{
			path: 'method.callAnon/:method',
			verbs: ['POST'],
			credentials: 'ignored',
			answer: methodCall,
		},
		{
			path: 'login',
			verbs: ['POST'],
			credentials: 'ignored',
			answer: ({ members, caller }) => logIn(invoker, services, members, caller),
		},
		{
			path: 'logout',
			verbs: ['GET', 'POST'],
			credentials: 'required',
			answer: ({ caller }) => logOut(invoker, caller),
		},
	];
}
