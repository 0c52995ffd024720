/** Network addresses of clients (`test/contract/ddp.md` section 13), and grouping of addresses for limits. */
import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';

/** The part of a request that shows the address of its client. */
export type Request = Pick<IncomingMessage, 'headers'> & { readonly socket: { readonly remoteAddress?: string } };

/**
 * The network address of the client that made a request.
 * @param forwardedCount number of trusted proxies in front of this server, each of which adds an entry to
 * `x-forwarded-for`. Entries before those come from the client and are ignored.
 * @returns null if the request has passed fewer proxies
 */
export function clientAddressOf({ headers, socket }: Request, forwardedCount: number): string | null {
	if (forwardedCount === 0) return socket.remoteAddress ?? null;
	const header = headers['x-forwarded-for'];
	if (!header || forwardedCount < 0) return null;
	const entry = String(header).split(',').at(-forwardedCount)?.trim();
	return entry === undefined ? null : withoutPort(entry);
}

/**
 * `1.2.3.4:5` or `[2001:db8::1]:5`, as some proxies write it. The port is removed, because it differs for each
 * connection.
 */
const WITH_PORT = /^(?:\[([^\]]*)\](?::\d+)?|([^:]*):\d+)$/;

function withoutPort(entry: string): string {
	const [, bracketed, plain] = WITH_PORT.exec(entry) ?? [];
	return bracketed ?? plain ?? entry;
}

/**
 * The key that an address is counted under. An IPv6 address counts as its /64, the usual size of a customer's network;
 * an IPv4-mapped IPv6 address counts as the IPv4 address. All clients without a known address share one key.
 */
export function addressKey(address: string | null): string {
	if (address === null || !ipaddr.isValid(address)) return String(address);
	const parsed = ipaddr.process(address);
	return parsed instanceof ipaddr.IPv6
		? ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toNormalizedString().split('%', 1)[0]}/64`).toString()
		: parsed.toString();
}
