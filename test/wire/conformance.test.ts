/** The DDP conformance suite (`test/conformance`), run against Roomkey and against faulty servers. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { WebSocketServer } from 'ws';
import {
	type Case,
	type CaseResult,
	type ConformanceOptions,
	loadCases,
	runConformance,
} from '../conformance/index.js';
import type { TestApp } from '../support/app.js';
import { startConformanceServer } from '../support/conformanceServer.js';
import { FAULTS } from '../support/faults.js';
import { startWrongServer } from '../support/wrongServer.js';

const cases = loadCases();
const isHeartbeat = ({ needs = [] }: Case) => needs.includes('heartbeat');

/** For answers that must arrive, even on a busy machine. */
const LONG_TIMEOUT_MS = 60_000;
/** For answers that never arrive. */
const SHORT_TIMEOUT_MS = 400;

const failures = (results: readonly CaseResult[]) =>
	results
		.filter(({ status }) => status === 'failed')
		.map(({ case: { name }, problem, transcript }) => `${name}: ${problem}\n${JSON.stringify(transcript, null, 1)}`);

async function expectPassed(url: string, options: ConformanceOptions): Promise<void> {
	const { results, passed, skipped } = await runConformance(url, { timeout: LONG_TIMEOUT_MS, ...options });
	expect(failures(results)).to.deep.equal([]);
	expect(skipped).to.equal(0);
	expect(passed).to.equal(options.cases?.length);
}

describe('the DDP conformance suite', () => {
	let app: TestApp;
	before(async () => {
		app = await startConformanceServer();
	});
	after(() => app.close());

	it('passes over WebSockets', () =>
		expectPassed(app.webSocketUrl, { cases: cases.filter((one) => !isHeartbeat(one)) }));

	it('passes over SockJS', () =>
		expectPassed(app.webSocketUrl, {
			transport: 'sockjs',
			// Cases with their own path do not use SockJS. Logins are slow, and the same on both transports.
			cases: cases.filter((one) => !isHeartbeat(one) && !one.path && !one.needs?.includes('accounts')),
		}));

	it('passes with heartbeats', async () => {
		const withHeartbeats = await startConformanceServer({ ddp: { heartbeat: { interval: 100, timeout: 2000 } } });
		try {
			await expectPassed(withHeartbeats.webSocketUrl, { cases: cases.filter(isHeartbeat) });
		} finally {
			await withHeartbeats.close();
		}
	});

	it('skips cases of missing features and of levels that are not requested', async () => {
		// Section 14 needs the feature `rate-limit`. Most cases of section 19 have the level Q.
		const some = cases.filter(({ section }) => section === 'ddp.md 14' || section === 'ddp.md 19');
		const requested = some.filter(({ level, needs = [] }) => level !== 'Q' && !needs.includes('rate-limit'));
		const { passed, skipped } = await runConformance(app.webSocketUrl, {
			cases: some,
			without: ['rate-limit'],
			levels: ['C', 'M'],
			timeout: LONG_TIMEOUT_MS,
		});
		expect({ passed, skipped }).to.deep.equal({ passed: requested.length, skipped: some.length - requested.length });
	});

	it('closes a connection whose first SockJS frame is wrong', async () => {
		const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
		const closed = new Promise<void>((resolve) => {
			server.on('connection', (socket) => {
				socket.on('close', () => resolve());
				socket.send('x');
			});
		});
		await once(server, 'listening');
		const { failed } = await runConformance(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/websocket`, {
			transport: 'sockjs',
			cases: cases.filter(({ name }) => name === 'a ping with an id has a pong with that id'),
			timeout: LONG_TIMEOUT_MS,
		});
		expect(failed).to.equal(1);
		await closed;
		server.close();
	});

	describe('a server', () => {
		const casesOfFaults = new Set(Object.values(FAULTS).flatMap((fault) => fault.cases));

		it('passes each case below if the proxy makes no fault', async () => {
			const correct = await startWrongServer(app.webSocketUrl, {});
			try {
				await expectPassed(correct.url, { cases: cases.filter(({ name }) => casesOfFaults.has(name)) });
			} finally {
				await correct.close();
			}
		});

		for (const [what, { fault, cases: names, says }] of Object.entries(FAULTS)) {
			it(`fails if it ${what}: ${names.join('; ')}`, async () => {
				const wrong = await startWrongServer(app.webSocketUrl, fault);
				try {
					const picked = cases.filter(({ name }) => names.includes(name));
					expect(picked).to.have.length(names.length);
					const { results } = await runConformance(wrong.url, { cases: picked, timeout: SHORT_TIMEOUT_MS });
					for (const { status, problem } of results) {
						expect(status).to.equal('failed');
						expect(problem).to.match(says);
					}
				} finally {
					await wrong.close();
				}
			});
		}
	});

	describe('from the shell', () => {
		const run = (...args: string[]) =>
			new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
				execFile(process.execPath, ['dist/test/conformance/cli.js', ...args], (error, stdout, stderr) =>
					resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
				);
			});

		it('says how many cases have passed, and ends with 0', async () => {
			const { code, stdout } = await run(app.webSocketUrl, '--only', 'ddp.md 15', '--timeout', '60000');
			expect(stdout).to.match(/^\d+ passed, 0 failed, 0 skipped\n$/);
			expect(code).to.equal(0);
		});

		it('says which case has failed, with its frames, and ends with 1', async () => {
			const wrong = await startWrongServer(app.webSocketUrl, FAULTS['drops the id of a ping']?.fault ?? {});
			try {
				const { code, stdout } = await run(wrong.url, '--only', 'a ping with an id has a pong with that id');
				expect(stdout).to.include('FAILED   a ping with an id has a pong with that id (C, section ddp.md 4)');
				expect(stdout).to.include('a < {"msg":"pong"}');
				expect(stdout).to.include('0 passed, 1 failed, 0 skipped');
				expect(code).to.equal(1);
			} finally {
				await wrong.close();
			}
		});

		it('ends with 1 if --only names no case', async () => {
			expect(await run(app.webSocketUrl, '--only', 'there is no such case')).to.include({ code: 1 });
		});

		for (const args of [
			[],
			['ws://127.0.0.1:1/websocket', '--without', 'nothing'],
			['a', 'b'],
			['a', '--unknown'],
			['a', '--levels', 'X'],
			['a', '--timeout', 'soon'],
		]) {
			it(`explains its use for the arguments ${JSON.stringify(args)}`, async () => {
				const { code, stderr } = await run(...args);
				expect(stderr).to.include('Usage: node cli.js <address>');
				expect(code).to.equal(2);
			});
		}

		it('prints its use for --help, and ends with 0', async () => {
			const { code, stdout } = await run('--help');
			expect(stdout).to.include('Usage: node cli.js <address>');
			expect(code).to.equal(0);
		});

		it('reports a server that is not there', async () => {
			const { code, stdout } = await run('ws://127.0.0.1:1/websocket', '--only', 'a ping with an id has a pong');
			expect(stdout).to.include('ECONNREFUSED');
			expect(code).to.equal(1);
		});
	});
});
