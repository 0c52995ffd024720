/** `GET /api/info`: the version that Rocket.Chat's apps request first, to determine the server's features. */
import type { Answer } from './envelope.js';

/** Rocket.Chat's clients choose the format of keys and messages by the version. This default selects the format of 8.x. */
export const DEFAULT_ROCKETCHAT_VERSION = '8.0.0';

/** A version of Rocket.Chat, such as 8.0.0 or 8.1.0-rc.2. */
export function isVersion(text: string): boolean {
	return /^\d{1,5}\.\d{1,5}\.\d{1,5}(-[0-9A-Za-z.-]{1,40})?$/.test(text);
}

/** The answer to `GET /api/info`. */
export function serverInfo(version: string): Answer {
	return { status: 200, body: { version, info: { version }, success: true } };
}
