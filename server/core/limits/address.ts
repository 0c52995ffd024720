/** Where a client is (`test/contract/ddp.md` section 13), and which clients count as one. */
import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';

/** What is needed of a request. */
export type Request = Pick<IncomingMessage, 'headers'> & { readonly socket: { readonly remoteAddress?: string } };

/**
 * The network address of whoever made a request.
 * @param forwardedCount how many proxies stand before this server, each of which adds an entry to `x-forwarded-for`. What
 * stands before those entries is the client's own word and is not believed.
 * @returns null where the request has not come by that many proxies
 */
export function clientAddressOf({ headers, socket }: Request, forwardedCount: number): string | null {
	if (forwardedCount === 0) return socket.remoteAddress ?? null;
	const header = headers['x-forwarded-for'];
	if (!header || forwardedCount < 0) return null;
	const entry = String(header).split(',').at(-forwardedCount)?.trim();
	return entry === undefined ? null : withoutPort(entry);
}

/** `1.2.3.4:5` or `[2001:db8::1]:5`, as some proxies write it: the port is another for each connection. */
const WITH_PORT = /^(?:\[([^\]]*)\](?::\d+)?|([^:]*):\d+)$/;

function withoutPort(entry: string): string {
	const [, bracketed, plain] = WITH_PORT.exec(entry) ?? [];
	return bracketed ?? plain ?? entry;
}

/**
 * What addresses are counted by. A household or a server has a whole /64 of IPv6, so that is one; an IPv4 address within
 * IPv6 is the IPv4 address. All clients whose address is unknown are one.
 */
export function addressKey(address: string | null): string {
	if (address === null || !ipaddr.isValid(address)) return String(address);
	const parsed = ipaddr.process(address);
	return parsed instanceof ipaddr.IPv6
		? ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toNormalizedString().split('%', 1)[0]}/64`).toString()
		: parsed.toString();
}
