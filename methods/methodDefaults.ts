/** Properties that many method definitions have in common. Such a definition spreads one of these objects. */
import { KEY_CALLS, READS, WRITES } from './limits.js';

/** A method that only reads: it runs in parallel with other calls of its connection. */
export const READ_DEFAULTS = { rest: 'GET', parallel: true, limit: READS } as const;

/** A method that only reads and has no REST endpoint. */
export const DDP_READ_DEFAULTS = { parallel: true, limit: READS } as const;

/** A method that writes. */
export const WRITE_DEFAULTS = { rest: 'POST', writes: true, limit: WRITES } as const;

/** As `READ_DEFAULTS`, with the rate limit of methods for keys (`methods/e2e`). */
export const KEY_READ_DEFAULTS = { rest: 'GET', parallel: true, limit: KEY_CALLS } as const;

/** As `WRITE_DEFAULTS`, with the rate limit of methods for keys. */
export const KEY_WRITE_DEFAULTS = { rest: 'POST', writes: true, limit: KEY_CALLS } as const;
