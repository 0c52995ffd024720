/** The catalogue of a server: everything it offers its clients. */
import type { Connection } from './context.js';
import type { RateMessage, RateRule } from './limit.js';
import type { Method } from './method.js';
import type { Publication, Strategy } from './publication.js';
import type { Stream } from './stream.js';

export interface Catalogue {
	readonly methods: readonly Method[];
	readonly publications: readonly Publication[];
	readonly streams: readonly Stream[];
	/** Rate limit rules beside those in definitions. Every rule that matches a call or subscription counts it. */
	readonly limits?: readonly RateRule[];
	/** Error text for rate limits without a message in their rule. Default: Meteor's text. */
	readonly limitMessage?: RateMessage;
	/** Called in order for each new connection, and not awaited. A listener may close the connection. */
	readonly onConnection?: readonly ((connection: Connection) => void | Promise<void>)[];
	/**
	 * How much the server remembers of the documents that a client has, by the name of the collection in DDP. Default
	 * SERVER_MERGE.
	 */
	readonly strategies?: Readonly<Record<string, Strategy>>;
}
