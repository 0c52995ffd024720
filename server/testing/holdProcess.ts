/** Keeps the process of a test alive while a call or subscription waits for its answer. */
import { DEFAULT_TIMEOUT } from '../../shared/method.js';
import { isClockFake } from './clock.js';

/** How long one request keeps the process alive, in ms: longer than the default `timeout` of definitions. */
const HOLD_MS = DEFAULT_TIMEOUT + 5000;

/** The real timers, even if a test replaces them later. */
const startTimer = setTimeout;
const stopTimer = clearTimeout;

/**
 * Keeps the process alive until a promise settles, so that the `timeout` of a method can pass. After 35 s, prints a warning
 * on stderr, and the process may end. With a fake clock, does nothing: the `timeout` passes only by `advance`.
 * @param request what waits for an answer, such as "The call of 'tasks.add'"
 */
export function holdProcess<T>(request: string, answer: Promise<T>): Promise<T> {
	if (isClockFake()) return answer;
	const warn = () => process.emitWarning(`${request} has not been answered for ${HOLD_MS / 1000} s`);
	const timer = startTimer(warn, HOLD_MS);
	const release = () => stopTimer(timer);
	answer.then(release, release);
	return answer;
}
