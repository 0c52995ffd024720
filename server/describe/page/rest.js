/** Calls methods over REST. */
import { currentCredentials } from './credentials.js';

const textOf = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

function queryOf(args) {
	const query = new URLSearchParams();
	for (const [name, value] of args) query.set(name, textOf(value));
	const text = query.toString();
	return text && `?${text}`;
}

/**
 * Calls a method.
 * @param {{verb: string, path: string, body?: string}} route
 * @param {[name: string, value: unknown][]} args the arguments that are not left out
 * @param {string} code the second factor; empty if there is none
 */
export async function callRest({ verb, path, body }, args, code) {
	const parameters = new Set(Array.from(path.matchAll(/:(\w+)/g), ([, name]) => name));
	const pathArgs = new Map(args.filter(([name]) => parameters.has(name)));
	const otherArgs = args.filter(([name]) => !pathArgs.has(name));
	const filledPath = path.replace(/:(\w+)/g, (_, name) => encodeURIComponent(textOf(pathArgs.get(name) ?? '')));
	const hasBody = ['POST', 'PUT', 'PATCH'].includes(verb);
	// The body is either the value of the only argument, or an object of the arguments.
	const isOnlyArgument = body === 'object';
	const firstValue = otherArgs[0]?.[1];
	const url = hasBody ? filledPath : filledPath + queryOf(otherArgs);
	const credentials = currentCredentials();
	const response = await fetch(url.slice(1), {
		method: verb,
		headers: {
			...(hasBody && { 'content-type': 'application/json' }),
			...(credentials && { 'x-user-id': credentials.userId, 'x-auth-token': credentials.authToken }),
			...(code && { 'x-2fa-code': code }),
		},
		...(hasBody && { body: JSON.stringify(isOnlyArgument ? (firstValue ?? {}) : Object.fromEntries(otherArgs)) }),
	});
	const text = await response.text();
	let answer = text;
	try {
		answer = JSON.parse(text);
	} catch {
		// Not JSON: a proxy may have answered.
	}
	return {
		title: `${verb} ${url}`,
		status: `${response.status} ${response.statusText}`,
		isError: !response.ok,
		answer,
	};
}
