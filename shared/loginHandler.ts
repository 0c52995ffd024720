import type { LoginHandler } from './context.js';

/** Defines a login handler, for the option `loginHandlers` of a server. Handlers are tried in order. */
export function loginHandler(name: string, run: LoginHandler['run']): LoginHandler {
	return Object.freeze({ name, run });
}
