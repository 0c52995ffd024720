/** A transport without a client: a test reads what the server sends. */
export { MemoryTransport as FakeTransport } from '../../server/testing/transport.js';
