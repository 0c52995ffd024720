/** `roomkey completion`, as a shell uses it. */
import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { commands } from '../../server/cli/commands.js';
import type { Option } from '../../server/options/optionKinds.js';
import { options } from '../../server/options/options.js';
import { runInProcess } from '../support/command.js';

describe('roomkey completion', () => {
	const script = async (shell: string) => (await runInProcess(['completion', shell])).out;

	/** The completions that bash offers in the folder `docs` for the last of these words. */
	async function offered(...words: string[]): Promise<string[]> {
		const callCompletion = `
			COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _roomkey; printf '%s\\n' "\${COMPREPLY[@]}"`;
		const { stdout, stderr } = spawnSync(
			'bash',
			['-c', `${await script('bash')}\n${callCompletion}`, 'bash', 'roomkey', ...words],
			{
				encoding: 'utf8',
				cwd: 'docs',
			},
		);
		expect(stderr).to.equal('');
		return stdout.split('\n').filter(Boolean);
	}

	it('offers commands, their flags, choices and files in bash', async () => {
		expect(await offered('us')).to.deep.equal(['user']);
		expect(await offered('user', '')).to.deep.equal([
			'add',
			'list',
			'password',
			'roles',
			'activate',
			'deactivate',
			'remove',
		]);
		expect(await offered('user', 'add', '--ge')).to.deep.equal(['--generate-password']);
		expect(await offered('room', 'list', '--json', '--se')).to.deep.equal(['--search']);
		expect(await offered('--log-level', '')).to.deep.equal(['debug', 'info', 'warn', 'error', 'silent']);
		expect(await offered('serve', '--log-f')).to.deep.equal(['--log-format']);
		expect(await offered('user', 'list', '--data', 'opera')).to.deep.equal(['operating.md']);
		expect(await offered('import', 'opera')).to.deep.equal(['operating.md']);
		expect(await offered('completion', 'f')).to.deep.equal(['fish']);
		expect(await offered('user', 'add', '--email', '')).to.deep.equal([]);
	});

	for (const shell of ['bash', 'zsh', 'fish']) {
		it(`names every command and every flag for ${shell}`, async () => {
			const text = await script(shell);
			// The script for fish names a flag as `-l FLAG`.
			for (const { name, flags } of commands) {
				for (const word of name.split(' ')) expect(text).to.include(word);
				for (const flag of Object.keys(flags)) expect(text).to.match(new RegExp(`(--|-l )${flag}\\b`));
			}
			// Secrets have no flags.
			for (const [name, { flag = name, isSecret = false }] of Object.entries<Option<unknown>>(options))
				expect(new RegExp(`(--|-l )${flag}\\b`).test(text), name).to.equal(!isSecret);
		});
	}

	it('refuses other shells', async () => {
		expect(await runInProcess(['completion', 'csh'])).to.include({ status: 2, out: '' });
	});
});
