/** The three formats of Rocket.Chat's clients, and which of them a server's clients read. */
import { E2EError } from './error.js';

/**
 * - `v2`: AES-256-GCM, key ids that are UUIDs. Web since 7.13, current phones.
 * - `v1`: AES-128-CBC, key ids that are a hash of the key. Web since 7.0, phones, and all newer ones.
 * - `legacy`: the ciphers of v1, the key id and the `msg` of a message as web before 7.0 has them. Read by all.
 */
export type Format = 'v2' | 'v1' | 'legacy';

export const FORMATS: readonly Format[] = ['v2', 'v1', 'legacy'];

/** The versions that brought v2 and v1: Rocket.Chat's apps compare with the same ones. */
const SINCE: readonly (readonly [Format, major: number, minor: number])[] = [
	['v2', 7, 13],
	['v1', 7, 0],
];

/** The format itself. Throws `unknown-format` for anything else. */
export function requireFormat(format: unknown): Format {
	const known = FORMATS.find((known) => known === format);
	if (!known) throw new E2EError('unknown-format', 'The format is none of v2, v1 and legacy');
	return known;
}

/**
 * The format that Rocket.Chat's own apps choose for a server.
 *
 * @param version of the server, as `GET /api/info` states it: `7.13.0`, `8.1.0-rc.2`. What comes after the numbers is ignored,
 * as those apps ignore it. Throws `malformed` for a text that does not begin with a version.
 */
export function formatFor(version: string): Format {
	const [, major, minor] = /^v?(\d{1,9})(?:\.(\d{1,9}))?(?![\d])/.exec(String(version)) ?? [];
	if (major === undefined) throw new E2EError('malformed', 'The server version does not begin with a number');
	const isSince = (since: readonly [Format, number, number]) =>
		Number(major) > since[1] || (Number(major) === since[1] && Number(minor ?? 0) >= since[2]);
	return SINCE.find(isSince)?.[0] ?? 'legacy';
}
