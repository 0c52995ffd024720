/** The package's entry: `import { … } from 'roomkey'`. */
export type { ApiOf, Json, RestAnswer } from '../shared/api.js';
export {
	type Caller,
	type Credentials,
	callerOf,
	type DdpClient,
	type RestCaller,
	RestError,
	type RestOptions,
	restCallerOf,
} from '../shared/callers.js';
export { check } from '../shared/check.js';
export * as EJSON from '../shared/ejson.js';
export { ClientError } from '../shared/errors.js';
export { Match } from '../shared/match.js';
export { method, type TypedMethod } from '../shared/method.js';
export { liveQuery, publication } from '../shared/publication.js';
export type { Signature } from '../shared/signature.js';
export { stream } from '../shared/stream.js';
