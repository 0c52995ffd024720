/** The entry point of the package: `import { … } from 'roomkey'`. */
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
export * from '../shared/collections.js';
export type * from '../shared/context.js';
export { DefinitionError } from '../shared/definition.js';
export * from '../shared/documents.js';
export { ArgumentError, ClientError, MatchError } from '../shared/errors.js';
export type { Limit, RateEvent, RateMatcher, RateMessage, RateOutcome, RateRule } from '../shared/limit.js';
export { loginHandler } from '../shared/loginHandler.js';
export { Match, Nothing, named, shownAs } from '../shared/match.js';
export { type Method, type MethodDefinition, method, type RestRoute, type TypedMethod } from '../shared/method.js';
export type { Infer, InferInput, Pattern } from '../shared/pattern.js';
export {
	liveQuery,
	type Publication,
	type PublicationContext,
	type PublicationDefinition,
	publication,
	type Strategy,
} from '../shared/publication.js';
export type { Filter, UpdateFilter } from '../shared/query.js';
export type { RandomSource, RandomStream } from '../shared/random.js';
export type { Signature } from '../shared/signature.js';
export type { StandardSchema } from '../shared/standardSchema.js';
export type { Collection, Cursor, FindOptions, Store } from '../shared/store.js';
export { isDuplicateKey, StoreError } from '../shared/storeErrors.js';
export { type Stream, type StreamDefinition, stream } from '../shared/stream.js';
export { Text, type TextLimits } from '../shared/text.js';
export { createServer } from './createServer.js';
export { EJSON } from './ejson.js';
export { OptionError } from './options/optionError.js';
export type { ServerOptions, StoreOption } from './options/serverOptions.js';
export { hasPermission, requirePermission } from './permission.js';
export type { CallAs, RoomkeyServer } from './start/roomkeyServer.js';
