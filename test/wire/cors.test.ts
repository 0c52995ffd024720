/** REST calls from pages of other origins (test/contract/rocketchat-e2e.md 7.3). */
import { expect } from 'chai';
import { startApp, type TestApp } from '../support/app.js';
import { addPerson, type Person } from '../support/people.js';
import { headersOf, request } from '../support/rest.js';

const PAGE = 'https://page.example';

describe('CORS (7.3)', () => {
	let app: TestApp;
	let alice: Person;

	async function start(corsOrigin?: string): Promise<void> {
		app = await startApp(corsOrigin === undefined ? {} : { corsOrigin });
		alice = await addPerson(app.store);
	}
	afterEach(() => app.close());

	const preflight = (origin: string) =>
		request(`${app.url}/api/v1/e2e.setRoomKeyID`, {
			method: 'OPTIONS',
			headers: {
				Origin: origin,
				'Access-Control-Request-Method': 'POST',
				'Access-Control-Request-Headers': 'X-User-Id, Idempotency-Key',
			},
		});

	it('allows no page of another origin by default', async () => {
		await start();
		const { status, headers } = await preflight(PAGE);
		expect(status).to.equal(405);
		expect(headers.get('access-control-allow-origin')).to.equal(null);
	});

	it('answers a preflight with the methods and headers that pages may use', async () => {
		await start(`https://other.example, ${PAGE}`);
		const { status, headers } = await preflight(PAGE);
		expect(status).to.equal(204);
		expect(headers.get('access-control-allow-origin')).to.equal(PAGE);
		expect(headers.get('access-control-allow-methods')).to.equal('GET, POST');
		for (const name of ['X-User-Id', 'X-Auth-Token', 'Content-Type', 'Idempotency-Key']) {
			expect(headers.get('access-control-allow-headers')).to.contain(name);
		}
	});

	it('lets only pages of the allowed origin read answers, also error answers', async () => {
		await start(PAGE);
		const get = (origin: string, as: Person | null) =>
			request(`${app.url}/api/v1/me`, { headers: { Origin: origin, ...(as && headersOf(as)) } });
		for (const [as, status] of [
			[alice, 200],
			[null, 401],
		] as const) {
			const answer = await get(PAGE, as);
			expect(answer.status).to.equal(status);
			expect(answer.headers.get('access-control-allow-origin')).to.equal(PAGE);
			expect(answer.headers.get('content-type')).to.equal('application/json');
			expect((await get('https://evil.example', as)).headers.get('access-control-allow-origin')).to.equal(null);
		}
	});

	it('allows every origin with *', async () => {
		await start('*');
		expect((await preflight(PAGE)).headers.get('access-control-allow-origin')).to.equal('*');
	});

	it('does not restrict /sockjs/info, which pages of every origin may read', async () => {
		await start(PAGE);
		const { headers } = await request(`${app.url}/sockjs/info`, { headers: { Origin: 'https://evil.example' } });
		expect(headers.get('access-control-allow-origin')).to.equal('https://evil.example');
	});
});
