/** How often one caller may do what has no other limit (`test/contract/beyond.md` T2). Who holds `api-bypass-rate-limit` may more. */
import type { Limit } from '../shared/limit.js';

/** What writes: many members or rooms are told of each, and what is answered once is kept for a while. */
export const WRITES: Limit = { calls: 600, per: 60_000 };

/** What only reads. Such calls need not wait for each other, and so nothing else bounds how many run at once. */
export const READS: Limit = { calls: 1200, per: 60_000 };

/** What concerns the keys of rooms. A client sets the keys of all its rooms and members at once; Rocket.Chat's ten a minute are too few. */
export const KEY_CALLS: Limit = { calls: 600, per: 60_000 };

/** What concerns the caller's own account: names are looked up among all users, passwords take a while to compare. */
export const OWN_ACCOUNT: Limit = { calls: 60, per: 60_000 };

/** Time, in ms, for what can concern all members of a room or all rooms of a user. It is done in pages, others go on. */
export const LONG_WORK_MS = 600_000;
