/** The REST routes: one for each method that declares `rest`, and the built-in routes. */
import type { Method } from '../../shared/method.js';
import type { Services } from '../core/invocation.js';
import type { Invoker } from '../core/invoke.js';
import { logIn, logOut, logOutOtherClients } from './accounts.js';
import { serverInfo } from './info.js';
import { callMethod } from './methodCall.js';
import { methodRoute, requireKnownFields } from './methodRoute.js';
import type { Route } from './request.js';

/** Every route of a server with these methods. */
export function routesOf(
	methods: readonly Method[],
	invoker: Invoker,
	services: Services,
	rocketChatVersion: string,
): Route[] {
	const methodCall: Route['answer'] = ({ pathParams, fields, caller }) =>
		callMethod(invoker, pathParams.method ?? '', fields, caller, services.log);
	return [
		...methods.flatMap((method) => (method.rest ? [methodRoute(method, method.rest, invoker)] : [])),
		{
			path: 'method.call/:method',
			verbs: ['POST'],
			credentials: 'required',
			allowsUsersWithoutName: true,
			answer: methodCall,
		},
		{
			path: 'method.callAnon/:method',
			verbs: ['POST'],
			credentials: 'ignored',
			answer: methodCall,
		},
		...accountRoutes(invoker, services),
		...['info', '/api/info'].map(
			(path): Route => ({
				path,
				verbs: ['GET'],
				credentials: 'ignored',
				answer: async () => serverInfo(rocketChatVersion),
			}),
		),
	];
}

/** The routes of an account; none if the server has no accounts. */
function accountRoutes(invoker: Invoker, services: Services): Route[] {
	if (!invoker.get('login')) return [];
	return [
		{
			path: 'login',
			verbs: ['POST'],
			credentials: 'ignored',
			answer: ({ fields, caller }) => logIn(invoker, services, fields, caller),
		},
		{
			path: 'logout',
			verbs: ['GET', 'POST'],
			credentials: 'required',
			allowsUsersWithoutName: true,
			answer(request) {
				requireKnownFields(request, new Set(), 'logout');
				return logOut(invoker, request.caller);
			},
		},
		{
			path: 'users.logoutOtherClients',
			verbs: ['POST'],
			credentials: 'required',
			answer(request) {
				requireKnownFields(request, new Set(), 'users.logoutOtherClients');
				return logOutOtherClients(invoker, request);
			},
		},
	];
}
