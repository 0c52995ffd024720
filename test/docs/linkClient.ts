import { type ApiOf, type Credentials, callerOf, type DdpClient, restCallerOf } from 'roomkey';
import type { options } from './linkServer.js';

type Api = ApiOf<(typeof options)['methods']>;

/** Adds a link over DDP, and counts all links over REST. The compiler knows names, arguments and results. */
export async function addAndCount(client: DdpClient, url: string, credentials: Credentials): Promise<[string, number]> {
	const api = callerOf<Api>(client);
	const id = await api.call('links.insert', 'Docs', 'https://example.com/docs');
	const { links } = await restCallerOf<Api>(url, credentials).get('links.report');
	return [id, links];
}
