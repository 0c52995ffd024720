/** Makes REST requests. */
import type { Person } from './people.js';
import { noteSecretsIn } from './secrets.js';

export interface RestAnswer {
	readonly status: number;
	readonly headers: Headers;
	readonly text: string;
	/** The body, read as JSON. */
	readonly body: Record<string, unknown>;
}

export function headersOf({ id, token }: Pick<Person, 'id' | 'token'>): Record<string, string> {
	return { 'X-User-Id': id, 'X-Auth-Token': token };
}

export async function request(url: string, init: RequestInit = {}): Promise<RestAnswer> {
	const response = await fetch(url, init);
	const text = await response.text();
	if (typeof init.body === 'string') noteSecretsIn(init.body);
	noteSecretsIn(text);
	const isJson = response.headers.get('content-type')?.startsWith('application/json') && text !== '';
	return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : {} };
}

/**
 * Gets a URL as a person, or without credentials.
 * @param query values that are not texts are sent as JSON
 */
export function get(
	url: string,
	as: Pick<Person, 'id' | 'token'> | null,
	query: Readonly<Record<string, unknown>> = {},
	headers: Readonly<Record<string, string>> = {},
): Promise<RestAnswer> {
	const address = new URL(url);
	for (const [name, value] of Object.entries(query)) {
		address.searchParams.set(name, typeof value === 'string' ? value : JSON.stringify(value));
	}
	return request(String(address), { headers: { ...(as && headersOf(as)), ...headers } });
}

/** Posts a JSON body as a person, or without credentials. A text is sent unchanged. */
export function post(
	url: string,
	as: Pick<Person, 'id' | 'token'> | null,
	body: unknown,
	headers: Readonly<Record<string, string>> = {},
): Promise<RestAnswer> {
	return request(url, {
		method: 'POST',
		headers: { 'Content-Type': 'application/json', ...(as && headersOf(as)), ...headers },
		body: typeof body === 'string' ? body : JSON.stringify(body),
	});
}
