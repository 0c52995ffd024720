/** The entry point of the package for tests: `import { openTestServer } from 'roomkey/testing'`. */
export type { TestClient } from './client.js';
export { type FakeClock, fakeClock } from './clock.js';
export type { RecordedEvents } from './events.js';
export type { LogLine } from './log.js';
export { type As, openTestServer, type TestServer } from './server.js';
export type { Person } from './users.js';
