/** deploy/systemd/roomkey.service with the real systemd-analyze. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { options } from '../../server/options/options.js';
import { replaced } from './replaced.js';

const UNIT = 'deploy/systemd/roomkey.service';

const lines = readFileSync(UNIT, 'utf8')
	.split('\n')
	.filter((line) => line !== '' && !line.startsWith('#'));

describe('the unit of systemd', () => {
	const folder = mkdtempSync(path.join(tmpdir(), 'roomkey-systemd-'));
	const file = path.join(folder, 'roomkey.service');

	before(() => {
		// `systemd-analyze verify` requires that the program exists. Node may be at another path here.
		const text = replaced(readFileSync(UNIT, 'utf8'), [
			[/ExecStart=\/usr\/bin\/node/, `ExecStart=${process.execPath}`],
		]);
		writeFileSync(file, text);
	});
	after(() => rmSync(folder, { recursive: true }));

	function analyze(...args: string[]): { status: number | null; text: string } {
		const { status, stdout, stderr } = spawnSync('systemd-analyze', ['--no-pager', ...args, file], {
			encoding: 'utf8',
		});
		return { status, text: stdout + stderr };
	}

	it('passes `systemd-analyze verify`', () => {
		expect(analyze('verify')).to.deep.equal({ status: 0, text: '' });
	});

	it('passes `systemd-analyze verify` with the settings for TLS without a proxy', () => {
		const dropIns = `${file}.d`;
		mkdirSync(dropIns);
		copyFileSync('deploy/systemd/tls.conf', path.join(dropIns, 'tls.conf'));
		expect(analyze('verify')).to.deep.equal({ status: 0, text: '' });
		// Shows that drop-ins are checked: this one has a fault.
		writeFileSync(path.join(dropIns, 'wrong.conf'), '[Service]\nPrivateUsers=maybe\n');
		expect(analyze('verify').text).to.include('maybe');
		rmSync(dropIns, { recursive: true });
	});

	it('is refused by `systemd-analyze verify` with a wrong value', () => {
		const text = readFileSync(file, 'utf8');
		writeFileSync(file, text.replace('ProtectHome=yes', 'ProtectHome=maybe'));
		expect(analyze('verify').text).to.include('maybe');
		writeFileSync(file, text);
	});

	it('is rated less than 2 of 10 for exposure', () => {
		const { text } = analyze('security', '--offline=true');
		const [, exposure] = /Overall exposure level for roomkey\.service: ([\d.]+)/.exec(text) ?? [];
		expect(Number(exposure)).to.be.below(2);
	});

	it('sets only variables that Roomkey reads', () => {
		const text = lines.join('\n') + readFileSync('deploy/systemd/tls.conf', 'utf8');
		const variables = Array.from(text.matchAll(/^Environment=(.*)$/gm), ([, all = '']) => all.split(' ')).flat();
		const names = variables.map((one) => one.split('=')[0]);
		const known = new Set<string | undefined>(['NODE_ENV', ...Object.values(options).map(({ env }) => env)]);
		expect(names).to.have.length.above(1);
		expect(names.filter((name) => !known.has(name))).to.deep.equal([]);
	});

	it('starts the program in /opt/roomkey, which may be a link', () => {
		const { bin } = JSON.parse(readFileSync('package.json', 'utf8'));
		expect(lines).to.include(`ExecStart=/usr/bin/node /opt/roomkey/${bin.roomkey}`);
		symlinkSync(path.resolve('.'), path.join(folder, 'linked'));
		const program = path.join(folder, 'linked', bin.roomkey);
		const { status, stdout } = spawnSync(process.execPath, [program, 'check', '--data', folder], {
			encoding: 'utf8',
			// `check` looks for a server at this port, where none runs.
			env: { PORT: '1' },
		});
		expect(stdout).to.include('holds no data');
		expect(status).to.equal(0);
	});

	it('waits longer for the end of Roomkey than its shutdown takes', () => {
		const [, seconds] = /^TimeoutStopSec=(\d+)s$/m.exec(lines.join('\n')) ?? [];
		// Calls in progress may take the grace period, and the rest of the shutdown as much time again.
		expect(Number(seconds) * 1000).to.be.above(2 * options.grace.default);
	});
});
