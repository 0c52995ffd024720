/** The health of a server: whether it is ready, and the state of its parts. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createServer } from '../../server/index.js';
import { diskCheck } from '../../server/ops/checks.js';
import { Health } from '../../server/ops/health.js';
import { StoreUnavailableError } from '../../shared/errors.js';
import type { Log } from '../../shared/log.js';
import { StoreError } from '../../shared/storeErrors.js';
import { memoryLog } from '../support/log.js';
import { rejection } from '../support/rejection.js';

/** In ms. With a `maxAge` of 0, each report runs the checks. */
const LIMITS = { timeout: 20, maxAge: 0 };

describe('health', () => {
	function started() {
		const log = memoryLog();
		const health = new Health(log, LIMITS);
		health.markStarted();
		return { health, log };
	}

	it('is not ready while the server starts or stops, and says why', async () => {
		const health = new Health(memoryLog(), LIMITS);
		expect(await health.report()).to.deep.include({ status: 'not ready', reason: 'The server is starting' });
		health.markStarted();
		expect((await health.report()).status).to.equal('ready');
		health.markStopping();
		expect(await health.report()).to.deep.include({ status: 'not ready', reason: 'The server is stopping' });
	});

	it('shows for each part its state, its last change, and the reason', async () => {
		const { health } = started();
		health.addCheck('full', async () => 'no space');
		health.addCheck('fine', async () => undefined);
		const { status, checks } = await health.report();
		expect(status).to.equal('not ready');
		expect(checks.full).to.deep.include({ status: 'failed', reason: 'no space' });
		expect(checks.fine).to.have.all.keys('status', 'since');
		expect(new Date(checks.fine?.since ?? '').toISOString()).to.equal(checks.fine?.since);
	});

	it('keeps the time of a state until the state changes', async () => {
		const { health } = started();
		let reason: string | undefined = 'broken';
		health.addCheck('part', async () => reason);
		const since = async () => (await health.report()).checks.part?.since;
		const first = await since();
		reason = 'still broken';
		expect(await since()).to.equal(first);
		expect((await health.report()).checks.part?.reason).to.equal('still broken');
		reason = undefined;
		expect((await health.report()).checks.part).to.deep.include({ status: 'ok' });
	});

	it('is checked at an interval, even without requests', async () => {
		const log = memoryLog();
		let onError = () => {};
		const failed = new Promise<void>((resolve) => {
			onError = resolve;
		});
		const error: Log['error'] = (facts, text) => {
			log.error(facts, text);
			onError();
		};
		const health = new Health({ ...log, error }, { ...LIMITS, every: 1 });
		let reason: string | undefined;
		health.addCheck('part', async () => reason);
		health.markStarted();
		expect((await health.report()).checks.part).to.include({ status: 'ok' });
		reason = 'broken';
		await failed;
		const asked = new Date().toISOString();
		health.markStopping();
		const { checks } = await health.report();
		expect(checks.part).to.include({ status: 'failed', reason: 'broken' });
		expect((checks.part?.since ?? '') <= asked).to.equal(true);
		expect(log.lines).to.deep.include({
			level: 'error',
			facts: { check: 'part', reason: 'broken' },
			text: 'Not ready',
		});
	});

	it('logs the error of a check once, and does not report its text', async () => {
		const { health, log } = started();
		health.addCheck('store', async () => {
			throw new Error('mongodb://root:secret@db');
		});
		const report = JSON.stringify([await health.report(), await health.report()]);
		expect(report).to.include('which is in the log').and.not.include('secret');
		expect(log.lines.filter(({ level }) => level === 'error')).to.have.length(1);
	});

	it('logs when a part works again', async () => {
		const { health, log } = started();
		let reason: string | undefined = 'no connection';
		health.addCheck('store', async () => reason);
		await health.report();
		reason = undefined;
		await health.report();
		expect(log.lines.map(({ level, text }) => [level, text])).to.deep.equal([
			['error', 'Not ready'],
			['info', 'Works again'],
		]);
	});

	it('counts a check that does not answer as failed', async () => {
		const { health } = started();
		health.addCheck('store', () => new Promise(() => {}));
		expect((await health.report()).checks.store).to.deep.include({
			status: 'failed',
			reason: 'No answer within 20 ms',
		});
	});

	it('is ready although a part is not in use', async () => {
		const { health } = started();
		health.addPart('watcher', 'not in use');
		const { status, checks } = await health.report();
		expect(status).to.equal('ready');
		expect(checks.watcher).to.deep.include({ status: 'off', reason: 'not in use' });
	});

	it('runs a check once for all reports within one second', async () => {
		const health = new Health(memoryLog());
		let checks = 0;
		health.addCheck('store', async () => {
			checks++;
			return undefined;
		});
		await Promise.all([health.report(), health.report()]);
		await health.report();
		expect(checks).to.equal(1);
	});

	it('reports a missing data folder by the check of the disk', async () => {
		expect(await diskCheck('.')()).to.equal(undefined);
		expect(await diskCheck('./no such folder')()).to.equal('The data folder is not there (ENOENT)');
	});

	it('reports a removed or replaced data file by the check of the disk', async () => {
		const folder = await mkdtemp(join(tmpdir(), 'roomkey-'));
		const file = join(folder, 'data.mdb');
		const lost = 'The file data.mdb of the data folder was removed or replaced';
		await writeFile(file, 'first');
		const check = diskCheck(folder);
		expect(await check()).to.equal(undefined);
		await rename(file, `${file}.moved`);
		expect(await check()).to.equal(lost);
		await writeFile(file, 'second');
		expect(await check()).to.equal(lost);
		await rename(`${file}.moved`, file);
		expect(await check()).to.equal(undefined);
		await rm(folder, { recursive: true });
		expect(await check()).to.equal('The data folder is not there (ENOENT)');
	});

	it('is not ready when the data folder was removed; reads still work', async () => {
		const folder = await mkdtemp(join(tmpdir(), 'roomkey-'));
		const log = memoryLog();
		const server = await createServer({ port: 0, store: { data: folder }, log });
		const add = (_id: string) => server.store.users.insertOne({ _id });
		await add('ann');
		await rm(folder, { recursive: true });
		const response = await fetch(`${server.url}/readyz`);
		const { checks } = (await response.json()) as { checks: { disk: { reason: string } } };
		const refused = await rejection(add('bob'));
		const users = await server.store.users.countDocuments({});
		const failure = await rejection(server.close());
		expect(response.status).to.equal(503);
		// Anybody can read this reason, so it contains no path.
		expect(checks.disk.reason).to.equal('The data folder is not there (ENOENT)');
		expect(refused).to.be.instanceOf(StoreUnavailableError);
		expect(String(refused)).to.include(`The data file ${folder}/data.mdb was removed or replaced`);
		expect(users).to.equal(1);
		expect(failure).to.be.instanceOf(StoreError);
		expect(failure.message).to.include(`The folder ${folder} cannot be used`);
	});
});
