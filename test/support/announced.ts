/** What was announced while something happened. */
export { type RecordedEvents, recordEvents } from '../../server/testing/events.js';
