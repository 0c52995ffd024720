/** The commands for the log in docs/operating.md, with the real jq. */
import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { createLog } from '../../server/ops/createLog.js';
import { openServer } from '../../server/start/openServer.js';
import { blockWith } from '../docs/pages.js';
import { addPerson } from '../support/people.js';
import { post } from '../support/rest.js';

describe('the commands for the log', () => {
	it('show who has logged in, and which logins failed', async () => {
		let written = '';
		const log = createLog('info', 'json', (line) => {
			written += line;
		});
		const server = await openServer({ port: 0, store: { memory: true }, keys: true, log });
		const { id } = await addPerson(server.store, { username: 'maria', password: 'correct-password' });
		for (const password of ['correct-password', 'wrong-password'])
			await post(`${server.url}/api/v1/login`, null, { user: 'maria', password });
		await server.close();
		const script = `journalctl() { echo 'no JSON'; printf %s "$LOG"; }\n${blockWith('docs/operating.md', 'journalctl')}`;
		const { stdout, stderr } = spawnSync('bash', ['-c', script], {
			encoding: 'utf8',
			env: { ...process.env, LOG: written },
		});
		const [login = '', failed = '', ...others] = stdout.trimEnd().split('\n');
		expect(others, stderr).to.deep.equal([]);
		const [time, ...facts] = login.split('\t');
		expect(time).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
		expect(facts).to.deep.equal(['maria', id, '127.0.0.1', 'password']);
		expect(JSON.parse(failed)).to.include({ outcome: 'refused', attemptedUsername: 'maria', attemptedUserId: id });
	});
});
