/** The types of a file that the package exports without types. `counters.ts` imports it. */
declare module 'rate-limiter-flexible/lib/RateLimiterMemory.js' {
	export { RateLimiterMemory as default } from 'rate-limiter-flexible';
}
