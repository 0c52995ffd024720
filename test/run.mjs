/**
 * Runs mocha on the built tests. The arguments are mocha's own, but files and folders are named as in the sources:
 * `test/unit/queue.test.ts`, `test/unit`. With `--watch` first, it builds and runs again after each change.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import ts from 'typescript';

const SUITES = ['test/unit', 'test/store', 'test/wire', 'test/clients', 'test/docs'];
const ONLY = /\b(?:describe|context|it|specify)\.only\(/;

const built = (source) => `dist/${source.replace(/\.ts$/, '.js')}`;

/** The built test files of a folder of the sources and of its subfolders. */
const filesIn = (folder) =>
	readdirSync(built(folder), { recursive: true })
		.filter((name) => name.endsWith('.test.js'))
		.map((name) => `${built(folder)}/${name}`);

/** The built files of a source file or a folder that an argument names, or the argument itself. */
function builtFiles(argument) {
	if (!argument.startsWith('test/')) return [argument];
	const named = argument.replace(/\/$/, '');
	const stats = statSync(named, { throwIfNoEntry: false });
	if (stats?.isDirectory()) return filesIn(named);
	return stats && named.endsWith('.ts') ? [built(named)] : [argument];
}

/**
 * Mocha's arguments. It ignores the `.only` of one file in the others when it runs files in parallel, so the files that
 * contain it run alone here, in one process. In CI mocha refuses `.only`, so nothing is left out there.
 */
function mochaArguments(given) {
	const mapped = given.flatMap(builtFiles);
	const named = mapped.filter((argument) => argument.startsWith('dist/test/'));
	const options = mapped.filter((argument) => !named.includes(argument));
	const all = named.length > 0 ? named : SUITES.flatMap(filesIn);
	const only = process.env.CI ? [] : all.filter((file) => ONLY.test(readFileSync(file, 'utf8')));
	const files = only.length > 0 ? only : named;
	return [...(only.length > 0 ? ['--no-parallel'] : []), ...files, ...options];
}

const runMocha = (given) => spawn('node_modules/.bin/mocha', mochaArguments(given), { stdio: 'inherit' });

/** Runs mocha whenever the compiler has built the program without errors. A run of mocha that has not finished is ended. */
function watch(given) {
	let running;
	function onStatus(status, newLine, _options, errorCount) {
		ts.sys.write(`${ts.flattenDiagnosticMessageText(status.messageText, newLine)}${newLine}`);
		running?.kill();
		running = errorCount === 0 ? runMocha(given) : undefined;
	}
	const onError = (error) => ts.sys.write(ts.formatDiagnosticsWithColorAndContext([error], ts.createCompilerHost({})));
	rmSync('dist', { recursive: true, force: true });
	ts.createWatchProgram(
		ts.createWatchCompilerHost(
			'tsconfig.json',
			{},
			ts.sys,
			ts.createEmitAndSemanticDiagnosticsBuilderProgram,
			onError,
			onStatus,
		),
	);
}

const [first, ...others] = process.argv.slice(2);
if (first === '--watch') watch(others);
else {
	runMocha(process.argv.slice(2)).on('close', (code, signal) => {
		process.exitCode = signal ? 1 : code;
	});
}
