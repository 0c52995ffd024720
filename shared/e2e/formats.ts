/** The three formats of keys and messages in Rocket.Chat's web client ("web") and its phone apps ("phones"). */
import { E2EError } from './error.js';

/**
 * - `v2`: AES-256-GCM, key ids that are UUIDs. Web since 7.13, current phones.
 * - `v1`: AES-128-CBC, key ids that are a hash of the key. Web since 7.0, and phones.
 * - `legacy`: as v1, with the key id of web before 7.0 and the `msg` of web before 6.10. All clients read it.
 */
export type Format = 'v2' | 'v1' | 'legacy';

export const FORMATS: readonly Format[] = ['v2', 'v1', 'legacy'];

/** The server versions from which Rocket.Chat's apps use a format, the newest first. */
const FIRST_VERSIONS: readonly (readonly [Format, major: number, minor: number])[] = [
	['v2', 7, 13],
	['v1', 7, 0],
];

/** @throws E2EError `unknown-format` */
export function requireFormat(format: unknown): Format {
	const found = FORMATS.find((known) => known === format);
	if (!found) throw new E2EError('unknown-format', 'The format must be v2, v1 or legacy');
	return found;
}

/**
 * The format that Rocket.Chat's apps use with a server.
 *
 * @param version from `GET /api/info`: `7.13.0`, `8.1.0-rc.2`. A suffix is ignored, as in the apps
 * @throws E2EError `malformed` if the version does not begin with a number
 */
export function formatFor(version: string): Format {
	const [, major, minor = '0'] =
		/^v?(\d{1,9})(?:\.(\d{1,9}))?(?!\d)/.exec(typeof version === 'string' ? version : '') ?? [];
	if (major === undefined) throw new E2EError('malformed', 'The server version does not begin with a number');
	for (const [format, firstMajor, firstMinor] of FIRST_VERSIONS) {
		if (Number(major) > firstMajor) return format;
		if (Number(major) === firstMajor && Number(minor) >= firstMinor) return format;
	}
	return 'legacy';
}
