/** How much of the key service one caller may use, and how long what they send may be. */
import type { Limit } from '../../../shared/limit.js';

/** A client sets the keys of all its rooms and members in one go; Rocket.Chat's ten a minute are too few for that. */
export const KEY_CALLS: Limit = { calls: 600, per: 60_000 };

/** Longest key id, in characters: three times a UUID (13). Rocket.Chat's own are 12 or 36 characters long. */
export const MAX_KEY_ID_LENGTH = 128;

/** Longest sealed key, in characters: ten times what Rocket.Chat's clients make (`test/contract/rocketchat-e2e.md` 13). */
export const MAX_KEY_LENGTH = 4096;
