/** Kinds of methods: the properties that the definitions of many methods have in common. */
import { KEY_CALLS, READS, WRITES } from './limits.js';

/** A method that only reads: it runs in parallel with other calls of its connection. */
export const READ = { rest: 'GET', parallel: true, limit: READS } as const;

/** The same without a REST endpoint. */
export const DDP_READ = { parallel: true, limit: READS } as const;

/** A method that writes. */
export const WRITE = { rest: 'POST', limit: WRITES } as const;

/** A method of the key service that only reads. */
export const KEY_READ = { rest: 'GET', parallel: true, limit: KEY_CALLS } as const;

/** A method of the key service that writes. */
export const KEY_WRITE = { rest: 'POST', limit: KEY_CALLS } as const;
