/** The log of a test. It is searched for secrets. */
import { memoryLog as createMemoryLog } from '../../server/testing/log.js';
import { noting } from './secrets.js';

export type { LogLine } from '../../server/testing/log.js';

/** A log that keeps its entries. */
export function memoryLog(): ReturnType<typeof createMemoryLog> {
	return noting(createMemoryLog());
}
