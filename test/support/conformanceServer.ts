/** A server that supplies what the conformance suite asks for. */
import { limits, methods, publications, strategies } from '../conformance/adapter.js';
import { startApp, type TestApp, type TestAppOptions } from './app.js';

/** Starts it, with limits, sign-ups and what is given. */
export function startConformanceServer(options: TestAppOptions = {}): Promise<TestApp> {
	const offered = { methods, publications, limits, strategies };
	return startApp({ ...offered, rateLimit: 'on', ...options, settings: { signUps: true, ...options.settings } });
}
