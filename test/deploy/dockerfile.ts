/**
 * Runs the instructions of a Dockerfile by chroot in folders with Debian. Docker is not used, because not every machine
 * can download images.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Program } from './processes.js';

/** Runs a program. @returns its standard output @throws Error with its output, if it fails */
export async function execute(file: string, args: readonly string[]): Promise<string> {
	return (await promisify(execFile)(file, [...args], { maxBuffer: 2 ** 26 })).stdout;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The certificate authorities that this machine trusts. */
const TRUSTED = '/etc/ssl/certs/ca-certificates.crt';

interface Instruction {
	readonly name: string;
	readonly rest: string;
}

function readInstructions(file: string): Instruction[] {
	return readFileSync(file, 'utf8')
		.replace(/\\\n\s*/g, '')
		.split('\n')
		.filter((line) => line !== '' && !line.startsWith('#'))
		.map((line) => {
			const [, name = '', rest = ''] = /^(\w+) (.*)$/.exec(line) ?? [];
			return { name, rest };
		});
}

/**
 * Makes a folder that stands for the base image: a Debian with Node and npm of this machine. `DEBIAN_FOLDER` may name a
 * Debian that debootstrap has made already.
 */
export async function makeBase(folder: string): Promise<void> {
	const ready = process.env.DEBIAN_FOLDER;
	if (ready) await execute('cp', ['-a', ready, folder]);
	else await execute('debootstrap', ['--variant=minbase', 'bookworm', folder, 'http://deb.debian.org/debian']);
	const npm = path.join((await execute('npm', ['root', '--global'])).trim(), 'npm');
	cpSync(process.execPath, path.join(folder, 'usr/local/bin/node'), { dereference: true });
	cpSync(npm, path.join(folder, 'usr/local/lib/node_modules/npm'), { recursive: true, dereference: true });
	symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', path.join(folder, 'usr/local/bin/npm'));
	symlinkSync('../lib/node_modules/npm/bin/npx-cli.js', path.join(folder, 'usr/local/bin/npx'));
	// The network may need a proxy, whose certificate this machine trusts.
	mkdirSync(path.join(folder, path.dirname(TRUSTED)), { recursive: true });
	for (const file of ['/etc/resolv.conf', '/etc/hosts', TRUSTED])
		if (existsSync(file)) cpSync(file, path.join(folder, file));
}

/** A stage of the build, with its folder and what its instructions have set. */
export class Stage {
	readonly env: Record<string, string> = { PATH, HOME: '/root', NODE_EXTRA_CA_CERTS: TRUSTED };
	readonly ports: number[] = [];
	workdir = '/';
	user = 'root';
	entrypoint: string[] = [];
	healthcheck: string[] = [];

	constructor(readonly folder: string) {}

	#chrootArguments(command: readonly string[], more: Record<string, string> = {}): string[] {
		const env = Object.entries({ ...this.env, ...more }).map(([name, value]) => `${name}=${value}`);
		const inside = ['/usr/bin/env', '-i', '-C', this.workdir, ...env, ...command];
		return [`--userspec=${this.user}:${this.user}`, this.folder, ...inside];
	}

	run(command: readonly string[], env: Record<string, string> = {}): Promise<string> {
		return execute('chroot', this.#chrootArguments(command, env));
	}

	start(env: Record<string, string>, ...args: string[]): Program {
		return Program.start('chroot', this.#chrootArguments([...this.entrypoint, ...args], env));
	}
}

/**
 * Builds the stages of a Dockerfile, and returns the last one.
 * @param base the folder that stands for the base image
 * @param work where the folders of the stages are made
 */
export async function buildImage(file: string, base: string, context: string, work: string): Promise<Stage> {
	const stages = new Map<string, Stage>();
	let stage: Stage | undefined;
	for (const { name, rest } of readInstructions(file)) {
		if (name === 'FROM') {
			const [, label = 'last'] = / AS (\w+)$/.exec(rest) ?? [];
			const folder = path.join(work, label);
			await execute('cp', ['-a', base, folder]);
			stage = new Stage(folder);
			stages.set(label, stage);
		} else if (stage) await apply({ name, rest }, stage, stages, context);
	}
	if (!stage) throw new Error('The Dockerfile has no stage');
	return stage;
}

async function apply(
	{ name, rest }: Instruction,
	stage: Stage,
	stages: ReadonlyMap<string, Stage>,
	context: string,
): Promise<void> {
	if (name === 'RUN') await stage.run(['sh', '-c', rest]);
	else if (name === 'USER') stage.user = rest;
	else if (name === 'EXPOSE') stage.ports.push(Number(rest));
	else if (name === 'ENTRYPOINT') stage.entrypoint = JSON.parse(rest);
	else if (name === 'HEALTHCHECK') stage.healthcheck = JSON.parse(rest.replace(/^CMD /, ''));
	else if (name === 'VOLUME') mkdirSync(path.join(stage.folder, rest), { recursive: true });
	else if (name === 'WORKDIR') {
		stage.workdir = rest;
		mkdirSync(path.join(stage.folder, rest), { recursive: true });
	} else if (name === 'ENV') {
		for (const [, key = '', value = ''] of rest.matchAll(/(\w+)=(\S+)/g)) stage.env[key] = value;
	} else if (name === 'COPY') {
		const [, from, source = '', target = ''] = /^(?:--from=(\w+) )?(\S+) (\S+)$/.exec(rest) ?? [];
		const root = from === undefined ? context : stages.get(from)?.folder;
		if (root === undefined) throw new Error(`There is no stage ${from}`);
		const to = path.resolve('/', stage.workdir, target);
		const destination = path.join(stage.folder, to);
		mkdirSync(path.dirname(destination), { recursive: true });
		// `-T` copies a folder as the destination, not into the destination.
		await execute('cp', ['-aT', path.join(root, source), destination]);
	} else throw new Error(`The instruction ${name} is not known here`);
}
