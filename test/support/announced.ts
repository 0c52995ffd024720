/** Records the events that are announced while a function runs. */
export { type RecordedEvents, recordEvents } from '../../server/testing/events.js';
