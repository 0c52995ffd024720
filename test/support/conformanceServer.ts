/** A server with everything that the conformance suite needs. */
import { limits, methods, publications, strategies } from '../conformance/adapter.js';
import { startApp, type TestApp, type TestAppOptions } from './app.js';

/** Starts the server with rate limits and sign-ups. */
export function startConformanceServer(options: TestAppOptions = {}): Promise<TestApp> {
	const offered = { methods, publications, limits, strategies };
	return startApp({ ...offered, rateLimit: 'on', ...options, settings: { signUps: true, ...options.settings } });
}
