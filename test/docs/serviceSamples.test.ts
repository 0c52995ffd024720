/** The commands for a service of systemd in docs/, with stand-ins for systemd. */
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { runInProcess } from '../support/command.js';
import { noteSecret } from '../support/secrets.js';
import { blockWith } from './pages.js';

const PASSWORD = 'a-new-long-password';
noteSecret(PASSWORD);

/** Shell functions in place of commands. `systemctl` only prints, because no server runs. */
const STAND_INS = `
systemctl() { echo "systemctl $*"; }
systemd-run() {
	while [[ $1 == -* ]]; do [[ $1 == -p ]] && shift; shift; done
	"$@"
}
roomkey() { node /opt/roomkey/dist/server/cli/main.js "$@"; }
`;

describe('commands for a service of systemd in the documentation', () => {
	let folder: string;
	let data: string;

	beforeEach(async () => {
		folder = await mkdtemp(path.join(tmpdir(), 'roomkey-'));
		data = path.join(folder, 'lib/data');
		await mkdir(path.join(folder, 'lib'));
		await mkdir(path.join(folder, 'backups'));
	});
	afterEach(() => rm(folder, { recursive: true }));

	const roomkey = (line: string) => runInProcess([...line.split(' '), '--data', data]);

	async function addUsers(): Promise<void> {
		for (const line of ['admin --role admin', 'bob --email bob@example.com'])
			expect(await roomkey(`user add ${line} --generate-password`)).to.include({ status: 0 });
	}

	/** Runs a block with the folders of this test. @param date what `date` prints */
	function runBlock(page: string, text: string, { date = 'now', input = '' } = {}) {
		const block = `${STAND_INS}date() { echo ${date}; }\n${blockWith(page, text)}`
			.replaceAll('/var/lib/roomkey', path.join(folder, 'lib'))
			.replaceAll('/var/backups', path.join(folder, 'backups'))
			.replaceAll('/opt/roomkey', path.resolve('.'))
			.replaceAll(/(\/usr\/bin\/)?\bnode /g, `'${process.execPath}' `);
		const { status, stdout, stderr } = spawnSync('bash', ['-c', block], { input, encoding: 'utf8' });
		return { status, out: stdout, err: stderr };
	}

	const usernames = async () => {
		const { users } = JSON.parse((await roomkey('user list --json')).out);
		return users.map(({ username }: { username: string }) => username);
	};

	it('set the password of the admin', async () => {
		await addUsers();
		for (let i = 0; i < 2; i++) {
			const { status, out, err } = runBlock('docs/deploying.md', 'user password admin', { input: `${PASSWORD}\n` });
			expect({ status, out }, err).to.deep.equal({
				status: 0,
				out: 'systemctl stop roomkey\nsystemctl start roomkey\n',
			});
			expect(err).to.include('Set the password of admin');
		}
	});

	it('check the settings and the folder', async () => {
		await addUsers();
		const { out } = runBlock('docs/deploying.md', 'main.js check');
		expect(out)
			.to.match(/^folder +ok /m)
			.and.include('http://127.0.0.1:3000');
	});

	it('make backups, and restore the last one', async () => {
		await addUsers();
		const backUp = (date: string) => runBlock('docs/operating.md', 'roomkey backup --data /var', { date });
		const restore = (date: string) => runBlock('docs/operating.md', 'BACKUP=', { date });
		expect(backUp('2026-01-30')).to.include({ status: 0 });
		await roomkey('user remove bob --yes');
		expect(backUp('2026-01-31')).to.include({ status: 0 });
		await roomkey('user add carol --email carol@example.com --generate-password');
		for (const date of ['1', '2']) {
			const { status, out, err } = restore(date);
			expect(status, err).to.equal(0);
			expect(out).to.match(/^systemctl stop roomkey\nRestored .*\nsystemctl start roomkey\n$/);
			expect(await usernames()).to.deep.equal(['admin']);
		}
		expect(await readdir(path.join(folder, 'lib'))).to.have.members(['data', 'data-until-1', 'data-until-2']);
		// The folder may be lost.
		await rm(data, { recursive: true });
		expect(restore('3').out).to.match(/^systemctl stop roomkey\nRestored .*\nsystemctl start roomkey\n$/);
		expect(await usernames()).to.deep.equal(['admin']);
		// Without a valid backup the service is not started: it would begin with an empty folder.
		await rm(path.join(folder, 'backups/roomkey-2026-01-31/manifest.json'));
		expect(restore('4').out).to.equal('systemctl stop roomkey\n');
	});

	it('keep the unit of 0.1.0 and its program, even if a link leads to the program', async () => {
		const command = blockWith('docs/deploying.md', 'cp -p /etc/systemd').replaceAll(/\/(etc|opt)\//g, `${folder}/$1/`);
		const units = path.join(folder, 'etc/systemd/system');
		const programs = path.join(folder, 'opt');
		await mkdir(units, { recursive: true });
		await mkdir(path.join(programs, 'program'), { recursive: true });
		await writeFile(path.join(units, 'roomkey.service'), '[Service]');
		await symlink('program', path.join(programs, 'roomkey'));
		expect(spawnSync('bash', ['-ec', command], { encoding: 'utf8' })).to.include({ status: 0, stderr: '' });
		expect(await readFile(path.join(units, 'roomkey.service-0.1'), 'utf8')).to.equal('[Service]');
		expect(await readdir(programs)).to.have.members(['program', 'roomkey-0.1']);
		expect(await readlink(path.join(programs, 'roomkey-0.1'))).to.equal('program');
	});

	it('import the folder of 0.1.0, leave it unchanged, and refuse to import a second time', async () => {
		const line = JSON.stringify({ _id: 'a', username: 'alice', roles: ['admin', 'user'], active: true });
		await mkdir(data);
		await writeFile(path.join(data, 'users.db'), `${line}\n`);
		const before = path.join(folder, 'before');
		await cp(data, before, { recursive: true });
		const { status, out, err } = runBlock('docs/deploying.md', 'main.js import');
		expect(status, err).to.equal(0);
		expect(out).to.match(/^systemctl stop roomkey\nusers\.db: 1 written.*\nsystemctl start roomkey\n$/);
		expect(await usernames()).to.deep.equal(['alice']);
		const { status: difference } = spawnSync('diff', ['-r', before, path.join(folder, 'lib/data-0.1')]);
		expect(difference).to.equal(0);
		const again = runBlock('docs/deploying.md', 'main.js import');
		expect({ out: again.out, isRefused: again.status !== 0 }).to.deep.equal({
			out: 'systemctl stop roomkey\n',
			isRefused: true,
		});
		expect(await usernames()).to.deep.equal(['alice']);
	});
});
