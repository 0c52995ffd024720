/** What TypeScript accepts and refuses in calls and definitions, shown by compiling `test/fixtures/types`. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import ts from 'typescript';

const FOLDER = 'test/fixtures/types';
const FILES = ['api', 'ddp', 'rest', 'definitions'].map((name) => `${FOLDER}/${name}.ts`);

/** The errors that comments such as `// TS2345` in a file announce. */
function wanted(file: string): string[] {
	const lines = readFileSync(file, 'utf8').split('\n');
	return lines.flatMap((line, i) => {
		const code = /\/\/ TS(\d+)$/.exec(line)?.[1];
		return code ? [`${file}:${i + 1} TS${code}: ${line.trim()}`] : [];
	});
}

function compile(): Map<string, string[]> {
	const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
	const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: FILES }, ts.sys, '.');
	const program = ts.createProgram(FILES, { ...options, noEmit: true });
	const found = new Map<string, string[]>();
	for (const { file, start = 0, code, messageText } of ts.getPreEmitDiagnostics(program)) {
		if (!file) throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
		const { line } = file.getLineAndCharacterOfPosition(start);
		const name = ts.sys.resolvePath(file.fileName).replace(`${process.cwd()}/`, '');
		const text = file.text.split('\n')[line]?.trim();
		found.set(name, [...(found.get(name) ?? []), `${name}:${line + 1} TS${code}: ${text}`]);
	}
	return found;
}

describe('calls and definitions with types', () => {
	let errors: Map<string, string[]>;
	before(() => {
		errors = compile();
	});

	for (const file of FILES) {
		it(`have exactly the errors that comments announce: ${file}`, () => {
			expect(errors.get(file) ?? []).to.deep.equal(wanted(file));
		});
	}

	it('cause no errors in other files', () => {
		expect([...errors.keys()].filter((file) => !FILES.includes(file))).to.deep.equal([]);
	});
});
