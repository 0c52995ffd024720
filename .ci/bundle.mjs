/**
 * Bundles the package: `node .ci/bundle.mjs [folder]`. The modules of each entry become few files, because loading many
 * small ones takes half of the time of a start; packages that it imports stay outside. In the folder of the build it
 * removes the declarations of types that no entry reaches.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const ENTRIES = [
	'server/index.ts',
	'server/testing/index.ts',
	'server/cli/main.ts',
	'shared/e2e.ts',
	'test/conformance/index.ts',
	'test/conformance/cli.ts',
];

/** What every start loads. */
const START = [
	'server/cli/serve.ts',
	'server/store/memory.ts',
	'server/ops/createLog.ts',
	'methods/index.ts',
	'methods/accounts/index.ts',
].map((path) => resolve(path));

/**
 * Modules that are loaded only after those of a start, if at all: what the server imports at run time. The subcommands
 * are not among them, because they need less.
 */
function findAfterStart() {
	const found = new Set(['server/index.ts', 'server/testing/index.ts'].map((path) => resolve(path)));
	for (const part of ['server', 'methods']) {
		for (const name of readdirSync(part, { recursive: true }).filter((name) => name.endsWith('.ts'))) {
			for (const [, path] of readFileSync(join(part, name), 'utf8').matchAll(/import\('(\.[^']+)\.js'\)/g)) {
				const target = resolve(part, dirname(name), `${path}.ts`);
				if (dirname(target) !== resolve('server/cli') && !START.includes(target)) found.add(target);
			}
		}
	}
	return found;
}

/**
 * Lets the modules of `findAfterStart` import those of a start. esbuild makes a chunk for each set of entries that need
 * the same modules; so the sets are the same, and a start reads 32 files instead of 73 (16 % less CPU).
 */
const oneChunkForStart = {
	name: 'one chunk for the start',
	setup({ onLoad }) {
		const afterStart = findAfterStart();
		onLoad({ filter: /\.ts$/ }, ({ path }) => {
			if (!afterStart.has(path)) return undefined;
			const imports = START.map((other) => `import ${JSON.stringify(other)};\n`);
			return { contents: imports.join('') + readFileSync(path, 'utf8'), loader: 'ts', resolveDir: dirname(path) };
		});
	},
};

const folder = process.argv[2] ?? 'dist';

await build({
	entryPoints: ENTRIES,
	outdir: folder,
	outbase: '.',
	chunkNames: 'chunks/[name]-[hash]',
	bundle: true,
	splitting: true,
	packages: 'external',
	platform: 'node',
	target: 'node20',
	format: 'esm',
	minify: true,
	// Node prints the line that throws an error without a catch.
	lineLimit: 400,
	// For stack traces.
	keepNames: true,
	logLevel: 'warning',
	plugins: [oneChunkForStart],
});

// The files of the page at /api-docs, which take 38 kB unminified. They stay separate: the page loads them by their names.
const PAGE = 'server/describe/page';
await build({
	entryPoints: readdirSync(PAGE).map((name) => join(PAGE, name)),
	outdir: join(folder, PAGE),
	loader: { '.html': 'copy', '.svg': 'copy' },
	minify: true,
	target: 'es2022',
	logLevel: 'warning',
});

// Compressed, the cases take 25 kB instead of 340.
const CASES = 'test/conformance/cases';
mkdirSync(join(folder, CASES), { recursive: true });
for (const name of readdirSync(CASES)) {
	writeFileSync(join(folder, CASES, `${name}.gz`), gzipSync(readFileSync(join(CASES, name)), { level: 9 }));
}

if (folder === 'dist') {
	const reached = new Set();
	for (const entry of ENTRIES) reach(resolve(folder, entry.replace(/\.ts$/, '.d.ts')), reached);
	for (const part of ['server', 'methods', 'shared', 'test']) {
		for (const name of readdirSync(join(folder, part), { recursive: true })) {
			const file = resolve(folder, part, name);
			if (!file.endsWith('.d.ts')) continue;
			if (!reached.has(file)) rmSync(file);
			else indentByTabs(file);
		}
	}
}

/** Replaces the four spaces of each level, which tsc writes, by a tab: 4.6 kB less. */
function indentByTabs(file) {
	const text = readFileSync(file, 'utf8').replace(/^( {4})+/gm, (spaces) => '\t'.repeat(spaces.length / 4));
	writeFileSync(file, text);
}

/** Adds a declaration file, and those it imports. */
function reach(file, reached) {
	if (reached.has(file) || !existsSync(file)) return;
	reached.add(file);
	for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()'(\.[^']+)\.js'/g)) {
		reach(resolve(dirname(file), `${path}.d.ts`), reached);
	}
}
