import type { ServerOptions } from './options/serverOptions.js';
import { openServer } from './start/openServer.js';
import type { RoomkeyServer } from './start/roomkeyServer.js';

/**
 * Starts a server. The type of the result has only what applications may use.
 * @throws OptionError that names the option, if one is unknown or invalid; StoreError if the store cannot be opened
 */
export async function createServer(options: ServerOptions = {}): Promise<RoomkeyServer> {
	return openServer(options);
}
