/** The package's entry: `import { … } from 'roomkey'`. */
export { check } from '../shared/check.js';
export * as EJSON from '../shared/ejson.js';
export { ClientError } from '../shared/errors.js';
export { Match } from '../shared/match.js';
export { method } from '../shared/method.js';
export { liveQuery, publication } from '../shared/publication.js';
export { stream } from '../shared/stream.js';
