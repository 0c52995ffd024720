/** The demo, `roomkey --demo`, in a process of its own. */
import { expect } from 'chai';
import { commandsOfEachTest } from '../support/commands.js';
import { post, request } from '../support/rest.js';

/** A user of the demo. */
const ALICE = { id: 'd26x6zSkaPSe5gCyy', username: 'alice', token: 'Di9OKWzdu7V2vW3lHO0oYLOOr6P2Y0n9zQlx20qn2cU' };

describe('roomkey --demo', () => {
	const commands = commandsOfEachTest();
	const roomkey = (line: string) => commands.start(line.split(' '));

	it('listens where --host says, with a warning', async () => {
		const command = roomkey('--demo --port 0 --host 0.0.0.0');
		const address = await command.listening();
		expect((await post(`${address}/api/v1/login`, null, { user: 'bob', password: 'bob' })).status).to.equal(200);
		const warnings = command.err
			.trim()
			.split('\n')
			.map((line) => JSON.parse(line))
			// 40 is the level `warn`.
			.filter(({ level }) => level === 40);
		expect(warnings).to.have.length(1);
		expect(warnings[0]).to.include({ host: '0.0.0.0' });
		expect(warnings[0].msg).to.include('public passwords');
		const local = roomkey('--demo --port 0');
		await local.listening();
		expect(local.err).not.to.include('public passwords');
	});

	it('prints a curl line that sets a key id when it is first run', async () => {
		const command = roomkey('--demo --port 0');
		const address = await command.listening();
		const printed = await new Promise<string>((resolve) => {
			const look = () => (command.out.includes('Over DDP') ? resolve(command.out) : undefined);
			look();
			command.child.stdout.on('data', look);
		});
		// The request is sent without curl, which a machine may lack.
		const line = /curl (.|\n)+?'\n/.exec(printed)?.[0].replaceAll('\\\n', '') ?? '';
		expect(line).to.match(/^curl -X POST http/);
		const quoted = (flag: string) => [...line.matchAll(new RegExp(`${flag} '([^']*)'`, 'g'))].map(([, text]) => text);
		const curl = () =>
			request(/http\S+/.exec(line)?.[0] ?? '', {
				method: 'POST',
				headers: quoted('-H').map((header) => header?.split(': ') as [string, string]),
				body: quoted('-d')[0] ?? '',
			});
		const { text } = await curl();
		expect(text).to.equal('{"success":true}');
		expect((await curl()).body).to.include({ errorType: 'error-room-e2e-key-already-exists' });
		expect(line).to.include(`${address}/api/v1/e2e.setRoomKeyID`);
	});

	it('logs which argument had the wrong type, never its value; without --demo only at level debug', async () => {
		for (const [line, isLogged] of [
			['--demo --port 0', true],
			['--memory --port 0', false],
			['--memory --port 0 --log-level debug', true],
		] as const) {
			const command = roomkey(line);
			const address = await command.listening();
			await post(`${address}/api/v1/login`, null, { user: { username: 'x' }, password: { secret: 'my-secret' } });
			await post(`${address}/api/v1/method.callAnon/login`, null, {
				message: JSON.stringify({ msg: 'method', id: '1', method: 'login', params: ['my-secret'] }),
			});
			expect(await command.stop()).to.equal(0);
			expect(command.err.includes('"method":"login","argument":"options","path":""'), line).to.equal(isLogged);
			expect(command.err).not.to.include('my-secret');
		}
	});

	it('contains the example users and rooms', async () => {
		const address = await roomkey('--demo --port 0').listening();
		const setRoomKeyID = `${address}/api/v1/e2e.setRoomKeyID`;
		const answers = [];
		// A room of alice with a key id, a room without alice, and no room.
		for (const rid of ['Qe3Wa3outaDMKzAZC', 'y7TdGkqRsvB4nHfXa', 'nowhere']) {
			answers.push((await post(setRoomKeyID, ALICE, { rid, keyID: 'k' })).body);
		}
		expect(answers).to.deep.equal([
			{
				success: false,
				error: 'E2E Key ID already exists [error-room-e2e-key-already-exists]',
				errorType: 'error-room-e2e-key-already-exists',
				details: { method: 'e2e.setRoomKeyID' },
			},
			{
				success: false,
				error: 'Invalid room [error-invalid-room]',
				errorType: 'error-invalid-room',
				details: { method: 'e2e.setRoomKeyID' },
			},
			{
				success: false,
				error: 'Invalid room [error-invalid-room]',
				errorType: 'error-invalid-room',
				details: { method: 'canAccessRoom' },
			},
		]);
		for (const name of ['alice', 'bob', 'admin']) {
			expect((await post(`${address}/api/v1/login`, null, { user: name, password: name })).status).to.equal(200);
		}
	});

	it('is the only mode that accepts the credentials of the demo', async () => {
		const address = await roomkey('--memory --port 0').listening();
		expect((await post(`${address}/api/v1/e2e.setRoomKeyID`, ALICE, {})).status).to.equal(401);
		expect((await post(`${address}/api/v1/login`, null, { user: 'alice', password: 'alice' })).status).to.equal(401);
	});
});
