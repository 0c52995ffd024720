/**
 * Runs mocha on the built tests. The arguments are mocha's own, but files and folders are named as in the sources,
 * such as `test/unit/queue.test.ts`. `--watch` as the first argument builds and runs again after each change.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import ts from 'typescript';

const SUITES = ['test/unit', 'test/store', 'test/wire', 'test/clients', 'test/docs'];
const ONLY = /\b(?:describe|context|it|specify)\.only\(/;

const built = (source) => `dist/${source.replace(/\.ts$/, '.js')}`;

const filesIn = (folder) =>
	readdirSync(built(folder), { recursive: true })
		.filter((name) => name.endsWith('.test.js'))
		.map((name) => `${built(folder)}/${name}`);

/** The built files that an argument names, or the argument itself. */
function builtFiles(argument) {
	if (!argument.startsWith('test/')) return [argument];
	const named = argument.replace(/\/$/, '');
	const stats = statSync(named, { throwIfNoEntry: false });
	if (stats?.isDirectory()) return filesIn(named);
	return stats && named.endsWith('.ts') ? [built(named)] : [argument];
}

/**
 * Mocha's arguments. If files contain `.only`, only these files run, in one process. In parallel, mocha would run the
 * tests of other files too. In CI mocha refuses `.only`.
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

/** Runs mocha after each build without errors. A new build ends a run that has not finished. */
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
