/** A transport that goes nowhere: what is sent can be looked at. */
export { MemoryTransport as FakeTransport } from '../../server/testing/transport.js';
