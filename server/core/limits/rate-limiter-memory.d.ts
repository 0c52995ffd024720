/** The package exports this file without types. */
declare module 'rate-limiter-flexible/lib/RateLimiterMemory.js' {
	export { RateLimiterMemory as default } from 'rate-limiter-flexible';
}
