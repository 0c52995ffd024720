/** Runs the suite of `roomkey/e2e` in Chromium, and the functions of `roomkey/e2e` on a page without WebCrypto. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { cases } from '../clients/e2e/suite.js';
import { INSECURE_HOST, serveFiles, startChromium } from '../support/chromium.js';

const PAGE = `<!doctype html><meta charset="utf-8"><script type="importmap">${JSON.stringify({
	imports: {
		'roomkey/e2e': '/dist/shared/e2e.js',
		'@noble/hashes/sha2.js': '/node_modules/@noble/hashes/sha2.js',
		chai: '/node_modules/chai/index.js',
		'fast-check': '/node_modules/fast-check/lib/fast-check.js',
		'pure-rand/': '/node_modules/pure-rand/lib/esm/',
	},
})}</script>`;

/** Runs a case of the suite in the page. Returns the text of its failure, or an empty text. */
const RUN = `async (title) => {
	globalThis.suite ??= (async () => {
		const { cases } = await import('/dist/test/clients/e2e/suite.js');
		return cases(await (await fetch('/test/clients/e2e/vectors.json')).json());
	})();
	const found = (await globalThis.suite).find((each) => each.title === title);
	if (!found) return 'no such test';
	return found.run().then(() => '', (error) => String(error.stack ?? error));
}`;

/**
 * Makes the calls below in the page, and returns their error codes. `names` are all async functions that are exported,
 * so that the test notices a missing call. Functions that are not async do not need WebCrypto.
 */
const CODES = `async () => {
	const e2e = await import('roomkey/e2e');
	const content = { algorithm: 'rc.v2.aes-sha2', kid: 'k', iv: 'AAAAAAAAAAAAAAAA', ciphertext: 'A'.repeat(64) };
	const jwk = JSON.stringify({ kty: 'oct', alg: 'A256GCM', k: 'A'.repeat(43) });
	const publicKey = JSON.stringify({ kty: 'RSA', e: 'AQAB', n: '_'.repeat(342) });
	const wrapped = JSON.stringify({ $binary: 'A'.repeat(64) });
	const key = { id: 'k', jwk, key: { algorithm: { name: 'AES-GCM' } } };
	const encryption = { key: { kty: 'oct', alg: 'A256CTR', k: 'A'.repeat(43) }, iv: 'A'.repeat(22) + '==' };
	const stream = () => new ReadableStream();
	const calls = {
		makeIdentity: () => e2e.makeIdentity(),
		importPublicKey: () => e2e.importPublicKey(publicKey),
		publicKeyOf: () => e2e.publicKeyOf({}),
		wrapPrivateKey: () => e2e.wrapPrivateKey({}, 'passphrase', 'user'),
		unwrapPrivateKey: () => e2e.unwrapPrivateKey(wrapped, 'passphrase', 'user'),
		unwrapIdentity: () => e2e.unwrapIdentity(wrapped, 'passphrase', 'user'),
		changePassphrase: () => e2e.changePassphrase({ public_key: publicKey, private_key: wrapped }, 'a', 'b', 'user'),
		upgradePrivateKey: () => e2e.upgradePrivateKey(wrapped, 'passphrase', 'user'),
		makeRoomKey: () => e2e.makeRoomKey(),
		importRoomKey: () => e2e.importRoomKey('k', jwk),
		sealRoomKey: () => e2e.sealRoomKey(key, publicKey),
		openRoomKey: () => e2e.openRoomKey('k' + 'A'.repeat(342) + '==', {}),
		encryptText: () => e2e.encryptText('text', key),
		decryptText: () => e2e.decryptText(content, [key]),
		encryptContent: () => e2e.encryptContent({}, key),
		decryptContent: () => e2e.decryptContent(content, [key]),
		encryptMessage: () => e2e.encryptMessage({ msg: 'text' }, key),
		decryptMessage: () => e2e.decryptMessage({ t: 'e2e', content }, [key]),
		encryptFile: () => e2e.encryptFile(stream(), { name: 'n' }),
		decryptFile: () => e2e.decryptFile(stream(), { encryption }),
		fingerprintOf: () => e2e.fingerprintOf(publicKey),
		verifyKeyHistory: () => e2e.verifyKeyHistory([]),
	};
	const outcomes = Object.entries(calls).map(async ([name, call]) => {
		const error = await call().then(() => null, (error) => error);
		return [name, error instanceof e2e.E2EError ? error.code : String(error)];
	});
	const isAsync = (value) => value.constructor === (async () => {}).constructor;
	const names = Object.keys(e2e).filter((name) => isAsync(e2e[name]));
	return { secure: isSecureContext, names, codes: Object.fromEntries(await Promise.all(outcomes)) };
}`;

describe('roomkey/e2e in Chromium', function () {
	this.timeout(60_000);
	let browser: Browser;
	let files: Awaited<ReturnType<typeof serveFiles>>;
	before(async () => {
		files = await serveFiles(PAGE);
		browser = await startChromium();
	});
	after(async () => {
		await browser?.close();
		await files?.close();
	});

	describe('on a page from localhost', () => {
		let page: Awaited<ReturnType<Browser['newPage']>>;
		before(async () => {
			page = await browser.newPage();
			await page.goto(`http://localhost:${files.port}/`);
		});
		const vectors = JSON.parse(readFileSync('test/clients/e2e/vectors.json', 'utf8'));
		for (const { title } of cases(vectors)) {
			it(title, async () => {
				expect(await page.evaluate(`(${RUN})(${JSON.stringify(title)})`)).to.equal('');
			});
		}
	});

	it('fails with no-web-crypto in every async function on an insecure page', async () => {
		const page = await browser.newPage();
		await page.goto(`http://${INSECURE_HOST}:${files.port}/`);
		const { secure, names, codes } = (await page.evaluate(`(${CODES})()`)) as {
			secure: boolean;
			names: string[];
			codes: Record<string, string>;
		};
		expect(secure).to.equal(false);
		expect(Object.keys(codes)).to.have.members(names);
		for (const [name, code] of Object.entries(codes)) expect(code, name).to.equal('no-web-crypto');
	});
});
