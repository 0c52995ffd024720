/** The part of simpleddp that the tests use. The package has no types. */
declare module 'simpleddp' {
	export default class SimpleDDP {
		constructor(options: { endpoint: string; SocketConstructor: unknown; reconnectInterval?: number });
		connect(): Promise<unknown>;
		disconnect(): Promise<unknown>;
		call(method: string, ...params: unknown[]): Promise<unknown>;
		collection(name: string): {
			fetch(): Record<string, unknown>[];
			reactive(): {
				data(): Record<string, unknown>[];
				onChange(listener: (data: unknown) => void): { stop(): void };
			};
		};
		subscribe(name: string, ...params: unknown[]): { ready(): Promise<unknown>; stop(): Promise<unknown> };
		on(event: string, listener: (message: unknown) => void): unknown;
	}
}
