/** Wrong tokens over REST are audit events, logged up to a limit for each address and for all. */
import { mock } from 'node:test';
import { expect } from 'chai';
import { hashToken } from '../../methods/model/users/tokens.js';
import { MAX_LINES } from '../../server/ops/lineLimit.js';
import { type OpenServer, openServer } from '../../server/start/openServer.js';
import { method } from '../../shared/method.js';
import { type LogLine, memoryLog } from '../support/log.js';
import { addPerson } from '../support/people.js';
import { headersOf, post, request } from '../support/rest.js';
import { scrape } from '../support/scrape.js';

/** The limit for bodies of methods without `maxBody`, in bytes. */
const MAX_BODY = 65_536;

const upload = method({
	name: 'test.upload',
	summary: 'Takes a text of any caller',
	anonymous: true,
	args: { text: String },
	rest: { verb: 'POST', path: 'test.upload', maxBody: 3 * MAX_BODY },
	run() {},
});

describe('a wrong token over REST', () => {
	let server: OpenServer;
	let log: ReturnType<typeof memoryLog>;
	beforeEach(async () => {
		log = memoryLog();
		mock.timers.enable({ apis: ['setTimeout'] });
		const options = {
			port: 0,
			store: { memory: true },
			keys: true,
			grace: 0,
			rateLimit: 'off',
			forwardedCount: 1,
			maxBody: MAX_BODY,
			methods: [upload],
		} as const;
		server = await openServer({ ...options, log });
	});
	afterEach(async () => {
		mock.timers.reset();
		await server.close();
	});

	const lines = (): LogLine[] => log.lines.filter(({ text }) => text === 'Wrong token');
	async function attempt(id: string, token: string, address = '1.2.3.4', route = 'me'): Promise<number> {
		const headers = { ...headersOf({ id, token }), 'X-Forwarded-For': address };
		return (await request(`${server.url}/api/v1/${route}`, { headers })).status;
	}

	it('is logged with the address and the user, if known', async () => {
		const alice = await addPerson(server.store);
		expect(await attempt(alice.id, 'wrong')).to.equal(401);
		expect(lines()).to.have.length(1);
		expect(lines()[0]).to.have.property('level', 'info');
		const { requestId, ...facts } = (lines()[0]?.facts ?? {}) as Record<string, unknown>;
		expect(requestId).to.be.a('string');
		expect(facts).to.deep.equal({
			audit: true,
			outcome: 'refused',
			reason: 'unknown',
			transport: 'rest',
			path: 'me',
			clientAddress: '1.2.3.4',
			attemptedUserId: alice.id,
			attemptedUsername: alice.username,
		});
	});

	it('is logged even if the route needs no login', async () => {
		await attempt('nobody', 'wrong', '1.2.3.4', 'settings.public');
		expect(lines()[0]?.facts).to.deep.include({ path: 'settings.public' });
	});

	it('is logged once with a body larger than other routes allow', async () => {
		const sender = { id: 'nobody', token: 'wrong' };
		const { status } = await post(`${server.url}/api/v1/test.upload`, sender, { text: 'x'.repeat(2 * MAX_BODY) });
		expect(status).to.equal(200);
		expect(lines().map(({ facts }) => (facts as { path: string }).path)).to.deep.equal(['test.upload']);
	});

	it('is logged with the reason `expired` if it has expired', async () => {
		const alice = await addPerson(server.store);
		const loginTokens = [{ hashedToken: hashToken(alice.token), when: new Date(0) }];
		await server.store.users.updateOne({ _id: alice.id }, { $set: { 'services.resume.loginTokens': loginTokens } });
		expect(await attempt(alice.id, alice.token)).to.equal(401);
		expect(lines()[0]?.facts).to.deep.include({ reason: 'expired', attemptedUserId: alice.id });
	});

	it('is logged without the text that was sent as a token or id', async () => {
		await attempt('a-secret-in-the-wrong-header', 'another-secret');
		expect(lines()).to.have.length(1);
		expect(JSON.stringify(log.lines)).not.to.match(/a-secret|another-secret/);
	});

	it('is not logged for a request without credentials', async () => {
		expect((await request(`${server.url}/api/v1/me`)).status).to.equal(401);
		expect(lines()).to.deep.equal([]);
	});

	it('is logged a few times a minute for each address, then only counted', async () => {
		for (let i = 0; i < MAX_LINES.perAddress + 5; i++) await attempt('nobody', `wrong ${i}`);
		await attempt('nobody', 'wrong', '5.6.7.8');
		expect(lines()).to.have.length(MAX_LINES.perAddress + 1);
		const metrics = await scrape(server.url);
		expect(metrics.sum('roomkey_wrong_tokens_total', { reason: 'unknown' })).to.equal(MAX_LINES.perAddress + 6);
		mock.timers.tick(60_000);
		expect(log.lines.at(-1)).to.deep.include({
			text: 'Wrong tokens not logged one by one',
			facts: { audit: true, leftOut: 5 },
		});
		await attempt('nobody', 'wrong');
		expect(lines()).to.have.length(MAX_LINES.perAddress + 2);
	});

	it('is logged a limited number of times a minute for all addresses together', async () => {
		const attempts = Array.from({ length: MAX_LINES.total + 3 }, (_, i) => attempt('nobody', 'wrong', `10.0.${i}.1`));
		await Promise.all(attempts);
		expect(lines()).to.have.length(MAX_LINES.total);
		mock.timers.tick(60_000);
		expect(log.lines.at(-1)).to.deep.include({ facts: { audit: true, leftOut: 3 } });
	});
});
