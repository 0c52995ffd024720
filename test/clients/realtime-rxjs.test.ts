/** `rocket.chat.realtime.api.rxjs`, unmodified. It subscribes to streams with `true` in place of options. */
import { expect } from 'chai';
import { RealTimeAPI } from 'rocket.chat.realtime.api.rxjs';
import { startApp, type TestApp } from '../support/app.js';
import { addPerson, addRoom, keyIdOf, type Person } from '../support/people.js';
import { BrowserWebSocket, type Wire } from '../support/transports.js';

type Observable = ReturnType<RealTimeAPI['callMethod']>;

/** The first message of an observable that a test accepts. */
const first = (observable: Observable, accepts: (message: Wire) => boolean = () => true) =>
	new Promise<Wire>((resolve, reject) => {
		observable.subscribe((message) => accepts(message) && resolve(message), reject);
	});

describe('rocket.chat.realtime.api.rxjs', () => {
	let app: TestApp;
	let alice: Person;
	let api: RealTimeAPI;
	let messages: Wire[];
	let failures: unknown[];

	before(async () => {
		Object.assign(globalThis, { WebSocket: BrowserWebSocket });
		app = await startApp();
		alice = await addPerson(app.store, { username: 'alice', password: 'secret' });
	});
	after(() => app.close());

	beforeEach(async () => {
		api = new RealTimeAPI(app.webSocketUrl);
		[messages, failures] = [[], []];
		api.subscribe(
			(message) => messages.push(message),
			(error) => failures.push(error),
		);
		api.keepAlive().subscribe();
		expect(await first(api.connectToServer())).to.have.property('session');
	});
	afterEach(() => {
		api.getObservable().complete();
		expect(failures).to.deep.equal([]);
	});

	const isResult = ({ msg }: Wire) => msg === 'result';

	it('logs in by password and by token, and receives its own user', async () => {
		const { result } = await first(api.login('alice', 'secret'), isResult);
		expect(result).to.include({ id: alice.id });
		expect(messages).to.deep.include({
			msg: 'added',
			collection: 'users',
			id: alice.id,
			fields: { username: 'alice' },
		});
		expect((await first(api.loginWithAuthToken(alice.token), isResult)).result).to.include({ id: alice.id });
	});

	it('calls methods, and reads the error of a refused call', async () => {
		const rid = await addRoom(app.store, [alice]);
		await first(api.loginWithAuthToken(alice.token), isResult);
		expect(await first(api.callMethod('e2e.setRoomKeyID', rid, 'k'), isResult)).not.to.have.property('error');
		expect(await keyIdOf(app.store, rid)).to.equal('k');
		const { error } = await first(api.callMethod('e2e.setRoomKeyID', rid, 'k'), isResult);
		expect(error).to.include({ error: 'error-room-e2e-key-already-exists' });
	});

	it('receives `added` before the events of a stream (rocketchat-e2e.md 10.2)', async () => {
		const rid = await addRoom(app.store, [alice]);
		await first(api.loginWithAuthToken(alice.token), isResult);
		const eventName = `${alice.id}/rooms-changed`;
		const stream = api.getSubscription('stream-notify-user', eventName, true);
		const ready = first(api.getObservableFilteredByMessageType('ready'));
		const [added, changed] = [
			first(stream, ({ msg }) => msg === 'added'),
			first(stream, ({ msg }) => msg === 'changed'),
		];
		expect(await added).to.deep.equal({
			msg: 'added',
			collection: 'stream-notify-user',
			id: 'id',
			fields: { eventName },
		});
		await ready;
		api.callMethod('e2e.setRoomKeyID', rid, 'k').subscribe();
		const { fields } = await changed;
		expect(fields).to.have.nested.property('args[1].e2eKeyId', 'k');
	});
});
