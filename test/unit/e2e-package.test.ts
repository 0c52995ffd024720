/** `roomkey/e2e` as a package: what it needs and exports. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import ts from 'typescript';

describe('roomkey/e2e as a package', () => {
	/** Loads the module with only JavaScript and the allowed web APIs, and exchanges a key and a message. */
	const browser = `
		import { runInNewContext } from 'node:vm';
		const { stdout } = process;
		const language = runInNewContext('Object.getOwnPropertyNames(globalThis)');
		const kept = new Set([...language, 'crypto', 'btoa', 'atob', 'TextEncoder', 'TextDecoder']);
		for (const name of Object.getOwnPropertyNames(globalThis)) if (!kept.has(name)) delete globalThis[name];
		const e2e = await import('roomkey/e2e');
		const { publicKey, privateKey } = await e2e.makeIdentity();
		const again = await e2e.unwrapPrivateKey(await e2e.wrapPrivateKey(privateKey, 'p', 'u'), 'p', 'u');
		const key = await e2e.openRoomKey(await e2e.sealRoomKey(await e2e.makeRoomKey(), publicKey), again);
		const left = ['process', 'Buffer', 'require', 'setTimeout'].filter((name) => name in globalThis);
		stdout.write(await e2e.decryptText(await e2e.encryptText('hello', key), [key]) + left);
	`;

	it('needs only JavaScript, WebCrypto, and the web APIs that encode text', () => {
		const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', browser], {
			encoding: 'utf8',
		});
		expect({ stdout, stderr }).to.deep.equal({ stdout: 'hello', stderr: '' });
	});

	it('imports nothing but its own files, and one hash function', () => {
		const files = ['e2e.js', ...readdirSync('dist/shared/e2e', { encoding: 'utf8' }).map((name) => `e2e/${name}`)];
		const modules = files.filter((name) => name.endsWith('.js'));
		expect(modules).to.have.length.above(1);
		for (const name of modules) {
			const source = readFileSync(`dist/shared/${name}`, 'utf8');
			const imported = [...source.matchAll(/(?:from|import\(?)\s*['"]([^'"]+)['"]/g)].map(([, what]) => what);
			for (const what of imported) expect(what).to.match(/^\.\/(e2e\/)?[a-z0-9-]+\.js$|^@noble\/hashes\/sha2\.js$/);
		}
	});

	it('compiles for a browser, and exports its types', () => {
		const folder = mkdtempSync(path.resolve('dist/types-'));
		const user = path.join(folder, 'user.mts');
		writeFileSync(
			user,
			`import { makeRoomKey, sealRoomKey } from 'roomkey/e2e';
			export const sealed: string = await sealRoomKey(await makeRoomKey('v1'), '');
			// @ts-expect-error there is no such format
			export const other = await makeRoomKey('v3');`,
		);
		const program = ts.createProgram([path.resolve('shared/e2e.ts'), user], {
			target: ts.ScriptTarget.ES2022,
			module: ts.ModuleKind.NodeNext,
			lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
			types: [],
			strict: true,
			noEmit: true,
		});
		const faults = ts.getPreEmitDiagnostics(program).map(({ messageText }) => messageText);
		rmSync(folder, { recursive: true });
		expect(faults).to.deep.equal([]);
	});
});
