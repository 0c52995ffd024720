/**
 * Bundles the package: `node .ci/bundle.mjs [folder]`. The modules become a few files, because loading many small files takes
 * half of the time of a start. Imported packages are not bundled. In `dist`, the default folder, the script also removes the
 * type declarations that no entry reaches.
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

/** Modules that every start of the server loads. */
const START = [
	'server/cli/serve.ts',
	'server/store/memory.ts',
	'server/ops/createLog.ts',
	'methods/index.ts',
	'methods/accounts/index.ts',
].map((path) => resolve(path));

/**
 * The modules that are imported by `import()`, after the start or never, and the two modules that a program imports. The
 * subcommands in `server/cli` are left out, because they need fewer modules than a start.
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
 * Makes each module of `findAfterStart` import all modules of `START`. esbuild splits modules into one chunk for each set of
 * entries that use them. With these imports the modules of a start have the same set, so a start reads 32 files instead of 73
 * and needs 16 % less CPU.
 */
const oneChunkForStart = {
	name: 'one chunk for the start',
	setup({ onLoad }) {
		const afterStart = findAfterStart();
		onLoad({ filter: /\.ts$/ }, ({ path }) => {
			if (!afterStart.has(path)) return undefined;
			const imports = START.map((module) => `import ${JSON.stringify(module)};\n`);
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
	// Node prints the whole line that threw an uncaught error, so lines are kept short.
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

/** Adds a declaration file, and all files that it imports directly or indirectly, to `reached`. */
function reach(file, reached) {
	if (reached.has(file) || !existsSync(file)) return;
	reached.add(file);
	for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()'(\.[^']+)\.js'/g)) {
		reach(resolve(dirname(file), `${path}.d.ts`), reached);
	}
}
