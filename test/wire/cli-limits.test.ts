/** The limits of methods, in the settings of `roomkey` and of `createServer`. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { createServer, method } from '../../server/index.js';
import { runInProcess } from '../support/command.js';
import { commandsOfEachTest } from '../support/commands.js';
import { memoryLog } from '../support/log.js';
import { rejection } from '../support/rejection.js';
import { request as get } from '../support/rest.js';

describe('the limits of methods in the settings', () => {
	let file: string;
	const commands = commandsOfEachTest();

	beforeEach(() => {
		file = join(commands.folder, 'roomkey.json');
	});

	const write = (settings: object) => writeFile(file, JSON.stringify(settings));

	it('are combined from all sources, described and logged', async () => {
		await write({ limits: { 'users.info': '7/m', me: { calls: 3, per: 500 } } });
		const args = ['--memory', '--port', '0', '--config', file, '--limit', 'me=2/60s', '--limit', 'rooms/get=off'];
		const env = { ROOMKEY_LIMITS: 'users.info=9/h,users.list=4/2s', ADMIN_PASS: 'a-long-password' };
		const command = commands.start(args, { env });
		const url = await command.listening();
		const { paths } = (await get(`${url}/api/v1/openapi.json`)).body as {
			paths: Record<string, { get: { description: string } }>;
		};
		expect(JSON.stringify(paths['/api/v1/users.info'])).to.include('9 calls in 3600 seconds');
		expect(JSON.stringify(paths['/api/v1/users.list'])).to.include('4 calls in 2 seconds');
		// `rooms.get`, another method than `rooms/get`, has its default limit.
		expect(JSON.stringify(paths['/api/v1/rooms.get'])).to.include('1,200 calls per minute');
		const asyncapi = (await get(`${url}/asyncapi.json`)).text;
		expect(asyncapi).to.include('2 calls per minute');
		const started = command.err.split('\n').find((line) => line.includes('Roomkey starts')) as string;
		expect(JSON.parse(started).settings.limits).to.equal(
			'users.info=9/3600s, me=2/60s, users.list=4/2s, rooms/get=off',
		);
	});

	it('refuse a caller who exceeds them', async () => {
		const server = await createServer({
			store: { memory: true },
			keys: true,
			log: memoryLog(),
			port: 0,
			signUps: true,
			limits: { 'public-settings/get': '2/60s', 'settings.public': { calls: 1, per: 60_000 } },
		});
		// The limit of `public-settings/get` does not apply to this path.
		const path = `${server.url}/api/v1/settings.public`;
		expect([(await get(path)).status, (await get(path)).status]).to.deep.equal([200, 429]);
		await server.close();
	});

	it('are refused with the name of the wrong entry', async () => {
		for (const [limit, given] of [
			['5 per minute', "'5 per minute'"],
			[{ calls: 5 }, '{"calls":5}'],
			['OFF', "'OFF'"],
			[5, '5'],
		] as const) {
			await write({ limits: { 'users.info': '1/s', me: limit } });
			const { status, err } = await runInProcess(['--memory', '--config', file]);
			expect(status).to.equal(2);
			const form = 'such as "5/60s", {"calls": 5, "per": 60000} or "off"';
			expect(err).to.equal(`${file}: 'limits.me' must be ${form}, not ${given}`);
		}
		await write({ limits: ['me'], grace: {} });
		const { err } = await runInProcess(['--memory', '--config', file]);
		expect(err)
			.to.match(/'limits' must be entries .*, not a list\n/)
			.and.match(/'grace' must be .*, not an object$/);
		const started = createServer({
			store: { memory: true },
			keys: true,
			limits: { me: '5 per minute' },
			listen: false,
		});
		expect((await rejection(started)).message).to.match(/^limits\.me must be such as .*, not '5 per minute'$/);
	});

	it('are refused in one error for all invalid entries and unknown methods', async () => {
		const form = 'must be such as "5/60s", {"calls": 5, "per": 60000} or "off"';
		await write({ limits: { me: 'often', 'users.inf': '5/s', 'users.list': 7, nothing: 'x' } });
		const { err } = await runInProcess(['--memory', '--config', file, '--limit', 'me=x,usrs.info=1/s']);
		expect(err.split('\n').map((line) => line.trim())).to.deep.equal([
			'7 settings are wrong:',
			"--limit must be entries such as e2e.setRoomKeyID=5/60s or e2e.roomState=off, with the units ms, s, m, h, not 'me=x,usrs.info=1/s'",
			`${file}: 'limits.me' ${form}, not 'often'`,
			`${file}: 'limits.users.list' ${form}, not 7`,
			`${file}: 'limits.nothing' ${form}, not 'x'`,
			`--limit, ${file}: 'limits': there is no method 'users.inf'; did you mean 'users.info'?`,
			`--limit, ${file}: 'limits': there is no method 'nothing'`,
			`--limit, ${file}: 'limits': there is no method 'usrs.info'; did you mean 'users.info'?`,
		]);
	});

	it('are refused together with methods that are defined twice', async () => {
		const named = (name: string) => method({ name, summary: 'Does nothing', args: {}, run: () => 1 });
		const limits = { nothing: '1/s' };
		const twice = createServer({ methods: ['a', 'a', 'b', 'b', 'login'].map(named), limits, listen: false });
		expect((await rejection(twice)).message.split('\n').map((line) => line.trim())).to.deep.equal([
			'4 settings are wrong:',
			"methods has 'a' twice: it is already defined",
			"methods has 'b' twice: it is already defined",
			"methods must not have 'login', which is Roomkey's own",
			"limits: there is no method 'nothing'",
		]);
		for (const options of [{ methods: ['x'] }, { keys: 1 }, { accounts: 1 }]) {
			const [name = ''] = Object.keys(options);
			const { message } = await rejection(createServer({ ...options, limits, listen: false } as object));
			expect(message)
				.to.match(new RegExp(`^${name} must be`))
				.and.not.include('nothing');
		}
	});

	it('are refused on the command line if entries or methods are wrong', async () => {
		const none = await runInProcess(['--memory', '--limit', 'nothing=1/s', '--limit', 'other=off,me=1/s']);
		expect(none.status).to.equal(2);
		expect(none.err).to.include("no method 'nothing'").and.include("no method 'other'").and.not.include("'me'");
		for (const text of ['me', 'me=', '=1/s', 'me=0/s', 'me=1/0s', 'me=1/25d', 'me=1/9999h', 'me=1/s,', 'me=-1/s']) {
			const { status, err } = await runInProcess(['--memory', '--limit', text]);
			expect(status, text).to.equal(2);
			expect(err, text).to.include('--limit must be entries such as e2e.setRoomKeyID=5/60s');
		}
		// Without `keys: true` the server has no methods of the key service.
		const unknown = createServer({ store: { memory: true }, limits: { 'e2e.setRoomKeyID': '5/60s' }, listen: false });
		expect((await rejection(unknown)).message).to.include("there is no method 'e2e.setRoomKeyID'");
	});
});
