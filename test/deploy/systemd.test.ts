/** deploy/systemd/roomkey.service with the real systemd-analyze. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { options } from '../../server/options/options.js';
import { replaced } from './replaced.js';

const UNIT = 'deploy/systemd/roomkey.service';

/** The unit without comments. */
const lines = readFileSync(UNIT, 'utf8')
	.split('\n')
	.filter((line) => line !== '' && !line.startsWith('#'));

describe('the unit of systemd', () => {
	const folder = mkdtempSync(path.join(tmpdir(), 'roomkey-systemd-'));
	const file = path.join(folder, 'roomkey.service');

	before(() => {
		// The test has its own Node.
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

	it('has no fault that `systemd-analyze verify` finds', () => {
		expect(analyze('verify')).to.deep.equal({ status: 0, text: '' });
	});

	it('is refused by the same check with a fault', () => {
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
		const [, variables = ''] = /^Environment=(.*)$/m.exec(lines.join('\n')) ?? [];
		const names = variables.split(' ').map((one) => one.split('=')[0]);
		const known = new Set<string | undefined>(['NODE_ENV', ...Object.values(options).map(({ env }) => env)]);
		expect(names).to.have.length.above(1);
		expect(names.filter((name) => !known.has(name))).to.deep.equal([]);
	});

	it('waits longer for the end than Roomkey takes', () => {
		const [, seconds] = /^TimeoutStopSec=(\d+)s$/m.exec(lines.join('\n')) ?? [];
		expect(Number(seconds) * 1000).to.be.above(2 * options.grace.default);
	});
});
