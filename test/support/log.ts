/** The log of a test. */
export * from '../../server/testing/log.js';
