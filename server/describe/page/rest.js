/** Calls methods over REST. */
import { current } from './credentials.js';

function queryOf(given) {
	const query = new URLSearchParams();
	for (const [name, value] of given) query.set(name, typeof value === 'string' ? value : JSON.stringify(value));
	const text = query.toString();
	return text && `?${text}`;
}

/**
 * @param {{verb: string, path: string, body?: string}} route
 * @param {[name: string, value: unknown][]} given the arguments that are not left out
 * @param {string} code the second factor, or nothing
 * @returns the request in one line, the status, and the answer
 */
export async function callRest({ verb, path, body }, given, code) {
	const parameters = new Set(Array.from(path.matchAll(/:(\w+)/g), ([, name]) => name));
	const inPath = new Map(given.filter(([name]) => parameters.has(name)));
	const rest = given.filter(([name]) => !inPath.has(name));
	const filled = path.replace(/:(\w+)/g, (_, name) => encodeURIComponent(String(inPath.get(name) ?? '')));
	const hasBody = ['POST', 'PUT', 'PATCH'].includes(verb);
	const url = hasBody ? filled : filled + queryOf(rest);
	const credentials = current();
	const response = await fetch(url.slice(1), {
		method: verb,
		headers: {
			...(hasBody && { 'content-type': 'application/json' }),
			...(credentials && { 'x-user-id': credentials.userId, 'x-auth-token': credentials.authToken }),
			...(code && { 'x-2fa-code': code }),
		},
		...(hasBody && {
			body: JSON.stringify(body === 'object' ? (rest[0]?.[1] ?? {}) : Object.fromEntries(rest)),
		}),
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
