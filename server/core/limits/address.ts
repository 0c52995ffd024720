/** Network addresses of clients (`test/contract/ddp.md` section 13), and grouping of addresses for limits. */
import type { IncomingMessage } from 'node:http';
import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

export type Request = Pick<IncomingMessage, 'headers'> & { readonly socket: { readonly remoteAddress?: string } };

/** Proxies whose entries in `x-forwarded-for` are believed. */
export interface TrustedProxies {
	/** The number of proxies in front of this server. Each adds an entry. */
	readonly count?: number | undefined;
	/** The networks of proxies; see `isNetworkList`. */
	readonly networks?: string | undefined;
}

/**
 * Makes a function that returns the network address of a request's client, or null if the address is not known.
 *
 * With a count, the address is the entry that the first trusted proxy has added. Earlier entries come from the client.
 * If there are fewer entries than the count, the address is not known.
 *
 * With networks, the function begins with the address of the connection, and goes back through the entries. It returns
 * the first address that is in none of the networks. So the header of a client that connects directly, from outside the
 * networks, is ignored. If all are in the networks, it returns the earliest. If it meets an entry that is no address, it
 * returns null.
 */
export function addressReader({ count = 0, networks }: TrustedProxies): (request: Request) => string | null {
	if (networks !== undefined) return lastUntrusted(readNetworks(networks));
	if (count === 0) return ({ socket }) => socket.remoteAddress ?? null;
	return ({ headers }) => {
		const entry = count > 0 ? forwardedEntries(headers).at(-count) : undefined;
		return entry === undefined ? null : withoutPort(entry);
	};
}

/** The entries of `x-forwarded-for`, in the order in which they were added. */
function forwardedEntries(headers: Request['headers']): string[] {
	const header = headers['x-forwarded-for'];
	return header ? splitList(String(header)) : [];
}

type Network = [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number];

/** Words for networks that many servers have. */
const NAMED_NETWORKS: Readonly<Record<string, readonly string[]>> = {
	loopback: ['127.0.0.0/8', '::1/128'],
	private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

function splitList(list: string): string[] {
	return list.split(',').map((entry) => entry.trim());
}

/** Whether a text is a list of networks separated by commas: addresses, CIDR blocks, `loopback` or `private`. */
export function isNetworkList(text: string): boolean {
	return splitList(text).every(
		(word) => Object.hasOwn(NAMED_NETWORKS, word) || ipaddr.isValidCIDR(word) || isFullAddress(word),
	);
}

/** Whether a text is an address in its usual form. The library also accepts `127.1` and numbers. */
function isFullAddress(text: string): boolean {
	return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
}

function readNetworks(list: string): Network[] {
	return splitList(list)
		.flatMap((word) => NAMED_NETWORKS[word] ?? [word])
		.map((word) => {
			if (word.includes('/')) return ipaddr.parseCIDR(word);
			const address = ipaddr.process(word);
			return [address, address.kind() === 'ipv4' ? 32 : 128];
		});
}

function lastUntrusted(networks: readonly Network[]): (request: Request) => string | null {
	const isTrusted = (address: string): boolean => {
		if (!isFullAddress(address)) return false;
		const parsed = ipaddr.process(address);
		return networks.some(([network, bits]) => network.kind() === parsed.kind() && parsed.match([network, bits]));
	};
	return ({ headers, socket }) => {
		let address = socket.remoteAddress;
		if (address === undefined || !isTrusted(address)) return address ?? null;
		for (const entry of forwardedEntries(headers).reverse()) {
			address = withoutPort(entry);
			if (!isFullAddress(address)) return null;
			if (!isTrusted(address)) return address;
		}
		return address;
	};
}

/** Some proxies write `1.2.3.4:5` or `[2001:db8::1]:5`. */
const WITH_PORT = /^(?:\[([^\]]*)\](?::\d+)?|([^:]*):\d+)$/;

/** Removes the port, because it differs for each connection. */
function withoutPort(entry: string): string {
	const [, bracketed, plain] = WITH_PORT.exec(entry) ?? [];
	return bracketed ?? plain ?? entry;
}

/**
 * The key that an address is counted under. An IPv6 address counts as its /64, the usual size of a customer's network.
 * An IPv4-mapped IPv6 address counts as the IPv4 address. All clients whose address is not known share one key.
 */
export function addressKey(address: string | null): string {
	// The usual case is handled without the library, which takes much longer.
	if (address === null || isIPv4(address)) return String(address);
	if (!ipaddr.isValid(address)) return String(address);
	const parsed = ipaddr.process(address);
	if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
	const [withoutZone] = parsed.toNormalizedString().split('%', 1);
	return ipaddr.IPv6.networkAddressFromCIDR(`${withoutZone}/64`).toString();
}
