/** The part of simpleddp that the tests use; it brings no types. */
declare module 'simpleddp' {
	export default class SimpleDDP {
		constructor(options: { endpoint: string; SocketConstructor: unknown });
		connect(): Promise<unknown>;
		disconnect(): Promise<unknown>;
		call(method: string, ...params: unknown[]): Promise<unknown>;
		collection(name: string): { fetch(): Record<string, unknown>[] };
	}
}
