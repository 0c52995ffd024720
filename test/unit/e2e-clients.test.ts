/** `roomkey/e2e`: formats, passphrases, and the error codes for arguments of wrong types. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import * as e2e from 'roomkey/e2e';
import { codeOf } from '../clients/e2e/suite.js';

const userId = 'someUserId';
/** The fewest rounds that are accepted, to save time. */
const QUICK = { rounds: 1000 };

describe('the functions of roomkey/e2e', () => {
	let alice: e2e.Identity;
	let bob: e2e.Identity;
	before(async () => {
		[alice, bob] = await Promise.all([e2e.makeIdentity(), e2e.makeIdentity()]);
	});

	it('run the sample in docs/e2e.md', () => {
		const [, sample = ''] = /^```js\n([\s\S]*?)^```$/m.exec(readFileSync('docs/e2e.md', 'utf8')) ?? [];
		const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', sample], { encoding: 'utf8' });
		expect(stderr).to.equal('');
		expect(stdout).to.match(/^hello \d{5}( \d{5}){11} true\n$/);
	});

	describe('formats', () => {
		for (const [version, format] of [
			['8.0.0', 'v2'],
			['7.13.0', 'v2'],
			['7.13.0-rc.1', 'v2'],
			['10.0', 'v2'],
			['7.12.9', 'v1'],
			['7.0.0', 'v1'],
			['7', 'v1'],
			['6.14.3', 'legacy'],
			['v5.0.0', 'legacy'],
			['0.70.0', 'legacy'],
		] as const) {
			it(`are ${format} for a server of version ${version}`, () => {
				expect(e2e.formatFor(version)).to.equal(format);
			});
		}

		it('are refused for a text that is no version', async () => {
			for (const version of ['', 'develop', '.7', undefined]) {
				expect(await codeOf(() => e2e.formatFor(version as string))).to.equal('malformed');
			}
		});

		it('are refused by every function with a format, if they are unknown', async () => {
			const key = await e2e.makeRoomKey('v1');
			const format = 'v3' as e2e.Format;
			const keys = { public_key: alice.publicKey, private_key: '{"$binary":"' };
			for (const run of [
				() => e2e.makeIdentity(format),
				() => e2e.wrapPrivateKey(alice.privateKey, 'passphrase', userId, format),
				() => e2e.changePassphrase(keys, 'a', 'b', userId, format),
				() => e2e.makeRoomKey(format),
				() => e2e.encryptText('text', key, format),
				() => e2e.encryptContent({}, key, format),
				() => e2e.encryptMessage({ msg: 'text' }, key, { format }),
			]) {
				expect(await codeOf(run)).to.equal('unknown-format');
			}
		});

		it('`legacy` gives every key the same id, as web clients before 7.0 do', async () => {
			const [one, other] = [await e2e.makeRoomKey('legacy'), await e2e.makeRoomKey('legacy')];
			expect(one.id).to.equal(Buffer.from(one.jwk).toString('base64').slice(0, 12));
			expect([one.id, other.id]).to.deep.equal(['eyJhbGciOiJB', 'eyJhbGciOiJB']);
		});

		it('`legacy` also encrypts text and sender into msg, for web clients before 6.10', async () => {
			const key = await e2e.makeRoomKey('legacy');
			const message = await e2e.encryptMessage({ _id: 'm', msg: 'hello' }, key, { format: 'legacy', userId });
			expect(message).to.have.all.keys('_id', 'msg', 'content', 't', 'e2e');
			const inside = await e2e.decryptContent(String(message.msg), [key]);
			expect(inside).to.include({ _id: 'm', text: 'hello', userId });
			expect(inside.ts).to.be.instanceOf(Date);
		});

		it('`v1` and `legacy` refuse keys that clients of these formats cannot use', async () => {
			for (const key of [await e2e.makeRoomKey('v2'), await e2e.importRoomKey('long id of v1', await v1Jwk())]) {
				expect(await codeOf(() => e2e.encryptText('text', key, 'v1'))).to.equal('unfit-key');
				expect(await codeOf(() => e2e.encryptMessage({ msg: 'm' }, key, { format: 'legacy' }))).to.equal('unfit-key');
			}
		});
	});

	const v1Jwk = async () => (await e2e.makeRoomKey('v1')).jwk;

	describe('passphrases', () => {
		it('are twelve words out of 2,048, all equally likely', () => {
			const seen = new Map<string, number>();
			for (let i = 0; i < 1000; i++) {
				const words = e2e.generatePassphrase().split(' ');
				expect(words).to.have.length(12);
				for (const word of words) seen.set(word, (seen.get(word) ?? 0) + 1);
			}
			// In 12,000 draws, a word drawn 40 times, or many undrawn words, would show uneven chances.
			expect(seen.size).to.be.within(2000, 2048);
			expect(Math.max(...seen.values())).to.be.below(40);
			for (const word of seen.keys()) expect(word).to.match(/^[a-z]{3,8}$/);
		});

		it('take the first word for the lowest random number, the last for the highest', () => {
			let draws = 0;
			Object.defineProperty(crypto, 'getRandomValues', {
				configurable: true,
				value: (array: Uint8Array) => array.fill(++draws % 2 === 0 ? 0xff : 0),
			});
			try {
				// 2,048 divides the number of 16-bit numbers, 65,536, evenly. So every random number can be used.
				expect(new Set(e2e.generatePassphrase().split(' '))).to.deep.equal(new Set(['abandon', 'zoo']));
			} finally {
				Reflect.deleteProperty(crypto, 'getRandomValues');
			}
		});

		it('are refused if empty or, without `allowAmbiguous`, if clients encode them differently', async () => {
			const wrap = (passphrase: string, options?: e2e.WrapOptions) =>
				e2e.wrapPrivateKey(alice.privateKey, passphrase, userId, 'v2', { ...QUICK, ...options });
			expect(await codeOf(() => wrap(''))).to.equal('empty-passphrase');
			expect(await codeOf(() => wrap('', { allowAmbiguous: true }))).to.equal('empty-passphrase');
			for (const passphrase of ['Grüße', 'мир', '\u0080', '🗝']) {
				expect(await codeOf(() => wrap(passphrase)), passphrase).to.equal('ambiguous-passphrase');
				const stored = await wrap(passphrase, { allowAmbiguous: true });
				const opened = await e2e.unwrapIdentity(stored, passphrase, userId);
				expect(opened.publicKey).to.equal(alice.publicKey);
			}
			expect(() => e2e.checkPassphrase('\u007f all of ASCII ~')).not.to.throw();
		});

		for (const [stored, member] of [
			['v1', '$binary'],
			['v2', 'iterations'],
		] as const) {
			it(`can be changed without changing the format ${stored} or the public key`, async () => {
				const { kty, n, e } = JSON.parse(alice.publicKey);
				const public_key = JSON.stringify({ n, kty, e, own: 'member' });
				const private_key = await e2e.wrapPrivateKey(
					alice.privateKey,
					'old',
					userId,
					stored,
					stored === 'v2' ? QUICK : {},
				);
				const changed = await e2e.changePassphrase({ public_key, private_key }, 'old', 'new', userId);
				expect(changed.public_key).to.equal(public_key);
				expect(JSON.parse(changed.private_key)).to.have.property(member);
				const opened = await e2e.unwrapIdentity(changed.private_key, 'new', userId);
				expect(e2e.sameKey(opened.publicKey, public_key)).to.equal(true);
				const again = () => e2e.unwrapPrivateKey(changed.private_key, 'old', userId);
				expect(await codeOf(again)).to.equal('wrong-passphrase');
			});
		}

		it('are not changed if the keys are no pair or a passphrase is unusable', async () => {
			const private_key = await e2e.wrapPrivateKey(alice.privateKey, 'old', userId, 'v1');
			const keys = { public_key: bob.publicKey, private_key };
			expect(await codeOf(() => e2e.changePassphrase(keys, 'old', 'new', userId))).to.equal('wrong-key');
			expect(await codeOf(() => e2e.changePassphrase(keys, 'wrong', 'new', userId))).to.equal('wrong-passphrase');
			expect(await codeOf(() => e2e.changePassphrase(keys, 'old', '', userId))).to.equal('empty-passphrase');
		});

		it('do not change when a private key is upgraded from v1 to v2', async () => {
			const v1 = await e2e.wrapPrivateKey(alice.privateKey, 'same', userId, 'v1');
			const v2 = await e2e.upgradePrivateKey(v1, 'same', userId);
			expect(JSON.parse(v2)).to.include({ iterations: 600_000 });
			expect((await e2e.unwrapIdentity(v2, 'same', '')).publicKey).to.equal(alice.publicKey);
		});

		it('are hashed in 600,000 rounds in v2, or in the given number of rounds', async () => {
			const rounds = async (options?: e2e.WrapOptions) =>
				JSON.parse(await e2e.wrapPrivateKey(alice.privateKey, 'p', userId, 'v2', options)).iterations;
			expect(await rounds()).to.equal(600_000);
			expect(await rounds({ rounds: 1234 })).to.equal(1234);
			for (const wrong of [0, 999, 1e12, 1.5, Number.NaN, '5000' as unknown as number]) {
				expect(await codeOf(() => rounds({ rounds: wrong })), String(wrong)).to.equal('bad-option');
			}
			const v1 = () => e2e.wrapPrivateKey(alice.privateKey, 'p', userId, 'v1', { rounds: 5000 });
			expect(await codeOf(v1)).to.equal('bad-option');
		});

		it('are refused in v1 without the id of their owner', async () => {
			const wrap = (id: unknown) => () => e2e.wrapPrivateKey(alice.privateKey, 'p', id as string, 'v1');
			const stored = await wrap(userId)();
			for (const id of ['', undefined, null, 5]) {
				expect(await codeOf(wrap(id))).to.equal('missing-user-id');
				expect(await codeOf(() => e2e.unwrapPrivateKey(stored, 'p', id as string))).to.equal('missing-user-id');
			}
		});
	});

	it('fail with a code if an argument has the wrong type', async () => {
		const key = await e2e.makeRoomKey();
		const sealed = await e2e.sealRoomKey(key, alice.publicKey);
		const keys = {
			public_key: alice.publicKey,
			private_key: await e2e.wrapPrivateKey(alice.privateKey, 'p', userId, 'v1'),
		};
		const file = () => new Blob(['bytes']).stream();
		const { stream, info } = await e2e.encryptFile(file(), { name: 'n' });
		await new Response(stream).arrayBuffer();
		const known = await info;
		const locked = file();
		locked.getReader();
		// This object cannot be converted to a text. The JSON of a server can contain such an object.
		const odd = { toString: 5, valueOf: 5 };
		for (const wrong of [null, 5, 'text'] as never[]) {
			for (const run of [
				() => e2e.wrapPrivateKey(alice.privateKey, 'p', userId, 'v1', wrong),
				() => e2e.unwrapPrivateKey(keys.private_key, 'p', userId, wrong),
				() => e2e.unwrapIdentity(keys.private_key, 'p', userId, wrong),
				() => e2e.changePassphrase(keys, 'p', 'q', userId, 'v1', wrong),
				() => e2e.upgradePrivateKey(keys.private_key, 'p', userId, wrong),
				() => e2e.importRoomKey(key.id, key.jwk, wrong),
				() => e2e.openRoomKey(sealed, alice.privateKey, wrong),
				() => e2e.encryptMessage({ msg: 'text' }, key, wrong),
			]) {
				expect(await codeOf(run), String(run)).to.equal('bad-option');
			}
		}
		for (const wrong of [undefined, null, 5, odd, [], Symbol('s')] as never[]) {
			for (const run of [
				() => e2e.changePassphrase(wrong, 'p', 'q', userId),
				() => e2e.encryptFile(file(), wrong),
				() => e2e.encryptFile(wrong, { name: 'n' }),
				() => e2e.decryptFile(wrong, known),
				() => e2e.fileMembers(wrong, { _id: 'f', url: '/f' }),
				() => e2e.uploadMetadata(wrong),
				() => e2e.mentionsIn(wrong),
				() => e2e.formatFor(wrong),
			]) {
				expect(await codeOf(run), String(run)).to.equal('malformed');
			}
		}
		for (const run of [
			() => e2e.encryptFile(locked, { name: 'n' }),
			() => e2e.decryptFile(locked, known),
			() => e2e.decryptFile(file(), { ...known, hashes: { sha256: odd as never } }),
			() => e2e.decryptFile(file(), { ...known, hashes: { sha256: [known.hashes.sha256] as never } }),
			() => e2e.fileMembers(known, undefined as never),
		]) {
			expect(await codeOf(run), String(run)).to.equal('malformed');
		}
		const entry = { public_key: odd as never, ts: 5, previous: '', hash: '' };
		expect(await codeOf(() => e2e.verifyKeyHistory([entry]))).to.equal('broken-history');
	});
});
