/** The part of asteroid that the tests use. The package has no types. */
declare module 'asteroid' {
	interface Emitter {
		on(event: string, listener: (argument: never) => void): this;
		once(event: string, listener: (argument: never) => void): this;
	}
	interface Asteroid extends Emitter {
		readonly ddp: Emitter;
		readonly userId: string | null;
		readonly loggedIn: boolean;
		connect(): void;
		disconnect(): void;
		call(method: string, ...params: unknown[]): Promise<unknown>;
		login(parameters: object): Promise<string>;
		loginWithPassword(parameters: { username?: string; email?: string; password: string }): Promise<string>;
		createUser(parameters: { username?: string; email?: string; password: string }): Promise<string>;
		logout(): Promise<null>;
		subscribe(name: string, ...params: unknown[]): Emitter & { readonly id: string };
		unsubscribe(id: string): void;
	}
	const asteroid: {
		createClass(): new (options: {
			endpoint: string;
			SocketConstructor: unknown;
			autoReconnect?: boolean;
			reconnectInterval?: number;
		}) => Asteroid;
	};
	export default asteroid;
}
