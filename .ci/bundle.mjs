/**
 * Bundles the package: `node .ci/bundle.mjs [folder]`. The modules of each entry become few files, because loading many
 * small ones takes half of the time of a start; packages that it imports stay outside. In the folder of the build it
 * removes the declarations of types that no entry reaches.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';

const ENTRIES = [
	'server/index.ts',
	'server/testing/index.ts',
	'server/cli/main.ts',
	'shared/e2e.ts',
	'test/conformance/index.ts',
	'test/conformance/cli.ts',
];

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
	// Names stay as they are, for stack traces.
	minifyWhitespace: true,
	minifySyntax: true,
	logLevel: 'warning',
});

// Without the indentation of the sources, which is a third of their size.
const CASES = 'test/conformance/cases';
mkdirSync(join(folder, CASES), { recursive: true });
for (const name of readdirSync(CASES)) {
	writeFileSync(join(folder, CASES, name), JSON.stringify(JSON.parse(readFileSync(join(CASES, name), 'utf8'))));
}

if (folder === 'dist') {
	const reached = new Set();
	for (const entry of ENTRIES) reach(resolve(folder, entry.replace(/\.ts$/, '.d.ts')), reached);
	for (const part of ['server', 'methods', 'shared', 'test']) {
		for (const name of readdirSync(join(folder, part), { recursive: true })) {
			const file = resolve(folder, part, name);
			if (file.endsWith('.d.ts') && !reached.has(file)) rmSync(file);
		}
	}
}

/** Adds a declaration file, and those it imports. */
function reach(file, reached) {
	if (reached.has(file) || !existsSync(file)) return;
	reached.add(file);
	for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()'(\.[^']+)\.js'/g)) {
		reach(resolve(dirname(file), `${path}.d.ts`), reached);
	}
}
