/** The conformance suite from the shell: `node cli.js ws://127.0.0.1:3000/websocket`. */
import { parseArgs } from 'node:util';
import { type Case, FEATURES, type Feature, LEVELS, type Level, loadCases } from './cases.js';
import { type CaseResult, runConformance } from './runner.js';

const USAGE = `Usage: node cli.js <address> [options]

Runs the DDP conformance suite against the server at an address, such as
ws://127.0.0.1:3000/websocket. README.md says what the server must supply.

  --sockjs               run over SockJS frames
  --without <features>   features that the server lacks, separated by commas:
                         ${FEATURES.join(', ')}
  --levels <levels>      C (clients depend on it), M (Meteor does it), Q (Meteor has
                         a fault there), separated by commas. Default C,M,Q
  --only <text>          cases whose name or section contains this text
  --timeout <ms>         how long to wait for each message. Default 5000
  --verbose              also name the cases that pass
`;

function readArguments(): { url: string; options: Record<string, string | boolean | undefined> } | undefined {
	try {
		const { values, positionals } = parseArgs({
			allowPositionals: true,
			options: {
				sockjs: { type: 'boolean' },
				verbose: { type: 'boolean' },
				without: { type: 'string' },
				levels: { type: 'string' },
				only: { type: 'string' },
				timeout: { type: 'string' },
			},
		});
		const [url, ...more] = positionals;
		const unknown = list(values.without).filter((name) => !FEATURES.includes(name as Feature));
		if (unknown.length > 0) throw new Error(`There is no feature ${unknown.join(', ')}`);
		const unknownLevels = list(values.levels).filter((name) => !LEVELS.includes(name as Level));
		if (unknownLevels.length > 0) throw new Error(`There is no level ${unknownLevels.join(', ')}`);
		if (!(Number(values.timeout ?? 1) > 0)) throw new Error(`${values.timeout} is no number of ms`);
		if (url !== undefined && more.length === 0) return { url, options: values };
	} catch (error) {
		process.stderr.write(`${(error as Error).message}\n\n`);
	}
	return undefined;
}

const list = (text: string | boolean | undefined): string[] =>
	typeof text === 'string' ? text.split(',').map((entry) => entry.trim()) : [];

function print({ case: testCase, status, problem, transcript }: CaseResult, verbose: boolean): void {
	if (status === 'passed' && verbose) process.stdout.write(`passed   ${testCase.name}\n`);
	if (status === 'skipped' && verbose) process.stdout.write(`skipped  ${testCase.name}\n`);
	if (status !== 'failed') return;
	process.stdout.write(
		`FAILED   ${testCase.name} (${testCase.level}, section ${testCase.section})\n         ${problem}\n`,
	);
	for (const [name, lines] of Object.entries(transcript ?? {})) {
		for (const line of lines) process.stdout.write(`         ${name} ${line}\n`);
	}
}

async function main(): Promise<void> {
	if (process.argv.includes('--help')) {
		process.stdout.write(USAGE);
		return;
	}
	const given = readArguments();
	if (!given) {
		process.stderr.write(USAGE);
		process.exitCode = 2;
		return;
	}
	const { url, options } = given;
	const only = String(options.only ?? '');
	const isAsked = ({ name, section }: Case) => name.includes(only) || section.includes(only);
	const { passed, failed, skipped } = await runConformance(url, {
		cases: loadCases().filter(isAsked),
		transport: options.sockjs ? 'sockjs' : 'websocket',
		without: list(options.without) as Feature[],
		...(options.levels !== undefined && { levels: list(options.levels) as Level[] }),
		...(options.timeout !== undefined && { timeout: Number(options.timeout) }),
		onResult: (result) => print(result, Boolean(options.verbose)),
	});
	process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
	if (failed > 0 || passed === 0) process.exitCode = 1;
}

await main();
