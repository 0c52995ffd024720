/** `roomkey/e2e`: formats, passphrases, keys, messages, key histories, and the code of each failure. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { expect } from 'chai';
import * as e2e from 'roomkey/e2e';
import { codeOf } from '../clients/e2e/suite.js';

const userId = 'someUserId';
/** The fewest rounds that are accepted, to save time. */
const QUICK = { rounds: 1000 };

/** An RSA key pair with another size or exponent than `makeIdentity` uses. */
async function otherIdentity(modulusLength: number, publicExponent: number[]): Promise<e2e.Identity> {
	const rsa = { name: 'RSA-OAEP', hash: 'SHA-256', modulusLength, publicExponent: Uint8Array.from(publicExponent) };
	const { privateKey } = await crypto.subtle.generateKey(rsa, true, ['encrypt', 'decrypt']);
	return { publicKey: await e2e.publicKeyOf(privateKey), privateKey };
}

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
				// 2,048 words divide the 65,536 random numbers evenly. No number need be refused.
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

	describe('keys', () => {
		it('public keys of other users are refused if they are weak or malformed', async () => {
			const key = await e2e.makeRoomKey();
			const weak = [
				await otherIdentity(1024, [1, 0, 1]),
				await otherIdentity(2040, [1, 0, 1]),
				await otherIdentity(2048, [3]),
				await otherIdentity(2048, [0x10, 1]),
			];
			for (const { publicKey } of weak) {
				expect(await codeOf(() => e2e.sealRoomKey(key, publicKey))).to.equal('unfit-key');
				expect(await codeOf(() => e2e.importPublicKey(publicKey))).to.equal('unfit-key');
			}
			const { n } = JSON.parse(alice.publicKey);
			const even = { n: `${n.slice(0, -1)}A`, e: 'AQAB' };
			for (const jwk of [even, { n, e: 'AQAA' }, { n, e: 'AQAAAAAAAAAB' }, { n: `${'A'.repeat(342)}E`, e: 'AQAB' }]) {
				const publicKey = JSON.stringify({ kty: 'RSA', ...jwk });
				expect(await codeOf(() => e2e.sealRoomKey(key, publicKey)), JSON.stringify(jwk)).to.equal('unfit-key');
			}
			for (const junk of ['garbage', '{}', '[]', '', alice.publicKey.replace('RSA"', 'EC"'), undefined]) {
				expect(await codeOf(() => e2e.sealRoomKey(key, junk as string))).to.equal('malformed');
			}
		});

		it('public keys with another exponent from 65537 upwards are accepted, whatever usages they state', async () => {
			const key = await e2e.makeRoomKey();
			const { publicKey, privateKey } = await otherIdentity(2048, [1, 0, 3]);
			expect((await e2e.openRoomKey(await e2e.sealRoomKey(key, publicKey), privateKey)).jwk).to.equal(key.jwk);
			const noUses = JSON.stringify({ ...JSON.parse(alice.publicKey), key_ops: [] });
			expect((await e2e.openRoomKey(await e2e.sealRoomKey(key, noUses), alice.privateKey)).id).to.equal(key.id);
		});

		it('public keys over 2048 bits are valid, but nothing is sealed for them', async () => {
			const { publicKey } = await otherIdentity(3072, [1, 0, 1]);
			expect((await e2e.importPublicKey(publicKey)).type).to.equal('public');
			const seal = async () => e2e.sealRoomKey(await e2e.makeRoomKey(), publicKey);
			expect(await codeOf(seal)).to.equal('unfit-key');
		});

		it('room keys that do not match their v1 id are refused without `anyId`', async () => {
			const [right, wrong] = [await e2e.makeRoomKey('v1'), await e2e.makeRoomKey('v1')];
			const offered = right.id + (await e2e.sealRoomKey(wrong, alice.publicKey)).slice(-344);
			expect(await codeOf(() => e2e.openRoomKey(offered, alice.privateKey))).to.equal('key-id-mismatch');
			expect(await codeOf(() => e2e.importRoomKey(right.id, wrong.jwk))).to.equal('key-id-mismatch');
			const opened = await e2e.openRoomKey(offered, alice.privateKey, { anyId: true });
			expect(opened.jwk).to.equal(wrong.jwk);
			// The sealed key matches its own id, but not that of the room.
			const sealed = await e2e.sealRoomKey(wrong, alice.publicKey);
			const forRoom = () => e2e.openRoomKey(sealed, alice.privateKey, { keyId: right.id });
			expect(await codeOf(forRoom)).to.equal('key-id-mismatch');
		});

		it('room keys offered under a wrong id open with the id of the room', async () => {
			const right = await e2e.makeRoomKey('v1');
			const offered = `0123456789ab${(await e2e.sealRoomKey(right, alice.publicKey)).slice(-344)}`;
			const opened = await e2e.openRoomKey(offered, alice.privateKey, { keyId: right.id });
			expect({ id: opened.id, jwk: opened.jwk }).to.deep.equal({ id: right.id, jwk: right.jwk });
		});

		it('may be non-extractable; operations that extract them then fail', async () => {
			const stored = await e2e.wrapPrivateKey(alice.privateKey, 'p', userId, 'v1');
			const { privateKey } = await e2e.unwrapIdentity(stored, 'p', userId, { extractable: false });
			expect(privateKey.extractable).to.equal(false);
			expect(await codeOf(() => e2e.publicKeyOf(privateKey))).to.equal('not-extractable');
			expect(await codeOf(() => e2e.wrapPrivateKey(privateKey, 'q', userId))).to.equal('not-extractable');
			const sealed = await e2e.sealRoomKey(await e2e.makeRoomKey(), alice.publicKey);
			const key = await e2e.openRoomKey(sealed, privateKey, { extractable: false });
			expect(key.key.extractable).to.equal(false);
			expect(await e2e.decryptText(await e2e.encryptText('text', key), [key])).to.equal('text');
			expect(await codeOf(() => key.jwk)).to.equal('not-extractable');
			expect(await codeOf(() => e2e.sealRoomKey(key, bob.publicKey))).to.equal('not-extractable');
			expect(await codeOf(() => e2e.fingerprintOf(key))).to.equal('not-extractable');
		});

		it('other kinds of keys are refused in place of private or room keys', async () => {
			const room = await e2e.makeRoomKey();
			const publicKey = await e2e.importPublicKey(alice.publicKey);
			const sealed = await e2e.sealRoomKey(room, alice.publicKey);
			const rsa = { hash: 'SHA-256', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) };
			const signing = await crypto.subtle.generateKey({ ...rsa, name: 'RSA-PSS' }, true, ['sign']);
			const sha1 = await crypto.subtle.generateKey({ ...rsa, name: 'RSA-OAEP', hash: 'SHA-1' }, true, ['decrypt']);
			const unwrapping = await crypto.subtle.generateKey({ ...rsa, name: 'RSA-OAEP' }, true, ['unwrapKey']);
			const others = [signing, sha1, unwrapping].map(({ privateKey }) => privateKey);
			for (const key of [room.key, publicKey, ...others, room, alice, undefined] as e2e.Key[]) {
				for (const format of e2e.FORMATS) {
					expect(await codeOf(() => e2e.wrapPrivateKey(key, 'p', userId, format))).to.equal('malformed');
				}
				expect(await codeOf(() => e2e.publicKeyOf(key))).to.equal('malformed');
				expect(await codeOf(() => e2e.openRoomKey(sealed, key))).to.equal('malformed');
			}
			const { id, jwk, key } = room;
			const fileKey = JSON.stringify({ ...JSON.parse(jwk), alg: 'A256CTR' });
			for (const text of [alice.publicKey, fileKey, '{}', 'k'.repeat(43)]) {
				expect(await codeOf(() => e2e.sealRoomKey({ id, jwk: text, key }, alice.publicKey))).to.equal('malformed');
			}
			const wrong = [{ id, jwk, key: publicKey }, { id, jwk, key: alice.privateKey }, { jwk, key }, key, alice];
			for (const roomKey of wrong as e2e.RoomKey[]) {
				expect(await codeOf(() => e2e.encryptMessage({ msg: 'hi' }, roomKey))).to.equal('malformed');
				expect(await codeOf(() => e2e.encryptText('hi', roomKey, 'v2'))).to.equal('malformed');
			}
		});

		it('room keys do not reveal their secret when printed or converted to JSON', async () => {
			for (const format of e2e.FORMATS) {
				const key = await e2e.makeRoomKey(format);
				const { k } = JSON.parse(key.jwk);
				const shown = [inspect(key, { depth: 9, showHidden: true }), JSON.stringify({ key }), `${key}`].join('\n');
				expect(shown).not.to.include(k);
				expect(JSON.parse(JSON.stringify(key))).to.deep.equal({ id: key.id });
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
		// Cannot be converted to a text. The JSON of a server can contain such an object.
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

	describe('messages', () => {
		it('messages of a megabyte can be encrypted in every format', async () => {
			const text = 'ü'.repeat(500_000);
			for (const format of e2e.FORMATS) {
				const key = await e2e.makeRoomKey(format);
				expect(await e2e.decryptText(await e2e.encryptText(text, key, format), [key])).to.equal(text);
			}
		});

		it('messages with content nested more than 200 deep, in arrays or objects, are refused', async () => {
			const key = await e2e.makeRoomKey();
			const nest = (wrap: (inner: unknown) => unknown, depth: number) => {
				let value: unknown = 'x';
				for (let i = 0; i < depth; i++) value = wrap(value);
				return { attachments: value as unknown[] };
			};
			/** Encrypts without a limit, as another client might. */
			const encryptUnlimited = async (content: object) => {
				const iv = crypto.getRandomValues(new Uint8Array(12));
				const plain = new TextEncoder().encode(JSON.stringify(content));
				const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key.key, plain);
				const [ivText, ciphertext] = [iv, new Uint8Array(data)].map((bytes) => Buffer.from(bytes).toString('base64'));
				return { algorithm: 'rc.v2.aes-sha2', kid: key.id, iv: ivText, ciphertext } as e2e.EncryptedContent;
			};
			for (const wrap of [(inner: unknown) => [inner], (inner: unknown) => ({ a: inner })]) {
				const deepest = nest(wrap, 200);
				expect(await e2e.decryptContent(await e2e.encryptContent(deepest, key), [key])).to.deep.equal(deepest);
				const tooDeep = nest(wrap, 201);
				expect(await codeOf(() => e2e.encryptContent(tooDeep, key))).to.equal('malformed');
				const encrypted = await encryptUnlimited(tooDeep);
				expect(await codeOf(() => e2e.decryptContent(encrypted, [key]))).to.equal('malformed');
			}
		});

		it('keep the fields that the server needs readable, and encrypt their content', async () => {
			const key = await e2e.makeRoomKey();
			const quote = { message_link: 'http://h/?msg=m1', author_name: 'bob', text: 'secret quote', ts: new Date(5) };
			const message = { _id: 'm', rid: 'r', tmid: 'thread', msg: 'secret @bob', attachments: [quote] };
			const encrypted = await e2e.encryptMessage(message, key, { mentions: true });
			expect(encrypted).to.deep.include({
				_id: 'm',
				rid: 'r',
				tmid: 'thread',
				t: 'e2e',
				e2e: 'pending',
				e2eMentions: { e2eUserMentions: ['@bob'], e2eChannelMentions: [] },
			});
			expect(JSON.stringify(encrypted)).not.to.include('secret');
			const read = await e2e.decryptMessage(encrypted, [key]);
			expect(read).to.deep.equal({ ...message, t: 'e2e', e2e: 'done' });
		});

		it('messages with only a file have no text; an empty text stays empty', async () => {
			const key = await e2e.makeRoomKey();
			const { stream, info } = await e2e.encryptFile(new Blob(['bytes']).stream(), {
				name: 'a.png',
				type: 'image/png',
			});
			await new Response(stream).arrayBuffer();
			const members = e2e.fileMembers(await info, { _id: 'f', url: '/file-upload/f/a.png' });
			const read = await e2e.decryptMessage(await e2e.encryptMessage({ rid: 'r', ...members }, key), [key]);
			expect(read).not.to.have.property('msg');
			expect(read).to.deep.include({ rid: 'r', ...members });
			expect(members.attachments[0]).to.include({ title: 'a.png', image_url: '/file-upload/f/a.png', image_size: 5 });
			const empty = await e2e.decryptMessage(await e2e.encryptMessage({ msg: '' }, key), [key]);
			expect(empty).to.have.property('msg', '');
		});

		it('cannot overwrite fields of the server by their encrypted content', async () => {
			const key = await e2e.makeRoomKey();
			const content = await e2e.encryptContent({ msg: 'hi', u: { username: 'boss' }, ts: 0, _id: 'other' }, key);
			const message = { _id: 'm', u: { username: 'mallory' }, t: 'e2e', e2e: 'pending', content };
			const read = await e2e.decryptMessage(message, [key]);
			expect(read).to.deep.equal({ _id: 'm', u: { username: 'mallory' }, t: 'e2e', e2e: 'done', msg: 'hi' });
		});

		it('lose unencrypted texts, attachments, files and mentions when they are decrypted', async () => {
			const plain = {
				...{ _id: 'm', rid: 'r', ts: new Date(5), u: { _id: 'u', username: 'alice' }, tmid: 'thread' },
				...{ reactions: { ':+1:': { usernames: ['bob'] } }, customFields: { own: 1 } },
			};
			const forged = {
				...{ msg: 'fake', attachments: [{ text: 'fake' }], files: [{ _id: 'fake' }], file: { _id: 'fake' } },
				...{
					md: ['fake'],
					html: 'fake',
					blocks: ['fake'],
					urls: ['fake'],
					location: 'fake',
					translations: { en: 'fake' },
				},
				...{ mentions: ['fake'], channels: ['fake'], e2eMentions: { e2eUserMentions: ['fake'] } },
			};
			for (const format of e2e.FORMATS) {
				const key = await e2e.makeRoomKey(format);
				for (const content of [{ msg: 'hi' }, { attachments: [{ text: 'hi' }] }, { file: { _id: 'f' } }]) {
					for (const stated of ['pending', 'done', 'other', undefined]) {
						const encrypted = await e2e.encryptMessage({ ...plain, ...content }, key, { format });
						const read = await e2e.decryptMessage({ ...encrypted, ...forged, e2e: stated }, [key]);
						expect(read).to.deep.equal({ ...plain, ...content, t: 'e2e', e2e: 'done' });
					}
				}
			}
		});

		it('encrypted messages are not encrypted again; decrypted ones are', async () => {
			for (const format of e2e.FORMATS) {
				const key = await e2e.makeRoomKey(format);
				const encrypted = await e2e.encryptMessage({ rid: 'r', msg: 'text' }, key, { format });
				const { content, t, e2e: state } = encrypted;
				for (const message of [
					encrypted,
					{ content },
					{ t, e2e: state, msg: 'ciphertext' },
					{ t, msg: 'ciphertext' },
				]) {
					expect(await codeOf(() => e2e.encryptMessage(message, key, { format }))).to.equal('malformed');
				}
				const edited = { ...(await e2e.decryptMessage(encrypted, [key])), msg: 'edited' };
				const again = await e2e.encryptMessage(edited, key, { format });
				expect(await e2e.decryptMessage(again, [key])).to.deep.equal(edited);
			}
		});

		it('messages that falsely claim to be decrypted are refused; plain ones stay unchanged', async () => {
			const key = await e2e.makeRoomKey();
			for (const claim of [
				{ t: 'e2e', e2e: 'done', msg: 'fake' },
				{ t: 'e2e', e2e: 'done', msg: 'a fake of more than twelve characters', attachments: [{ text: 'fake' }] },
				{ t: 'e2e', e2e: 'done' },
				{ e2e: 'done', msg: 'fake' },
				{ t: 'rm', e2e: 'done', msg: 'fake' },
			]) {
				expect(await codeOf(() => e2e.decryptMessage(claim, [key]))).to.equal('malformed');
			}
			for (const plain of [{ msg: 'plain' }, { t: 'uj', msg: 'alice' }, { t: 'rm', e2e: 'pending', msg: '' }]) {
				expect(await e2e.decryptMessage(plain, [key])).to.equal(plain);
			}
		});

		it('messages with an unknown key id open with the present or an old key', async () => {
			for (const format of e2e.FORMATS) {
				const [current, former, other] = [
					await e2e.makeRoomKey(format),
					await e2e.makeRoomKey(format),
					await e2e.makeRoomKey(format),
				];
				for (const [index, key] of [current, former].entries()) {
					const renamed = await e2e.importRoomKey('strange00000', key.jwk);
					const content = await e2e.encryptText(`text ${index}`, renamed, format);
					expect(await e2e.decryptText(content, [current, former])).to.equal(`text ${index}`);
					expect(await codeOf(() => e2e.decryptText(content, [other]))).to.match(/^(unknown|wrong)-key$/);
				}
			}
		});

		it('mention those users and rooms that clients find in their text', () => {
			expect(e2e.mentionsIn('@alice and >@bob.b at me@home.org in #general')).to.deep.equal({
				e2eUserMentions: ['@alice', '@bob.b'],
				e2eChannelMentions: ['#general'],
			});
			expect(e2e.mentionsIn('')).to.deep.equal({ e2eUserMentions: [], e2eChannelMentions: [] });
		});
	});

	describe('the check of a history of identity keys', () => {
		const chain = (...keys: string[]): e2e.KeyHistoryEntry[] => {
			let previous = '';
			return keys.map((public_key, index) => {
				const ts = new Date(1000 + index);
				const hash = createHash('sha256').update(`${previous}\n${ts.getTime()}\n${public_key}`).digest('hex');
				const entry = { public_key, ts, previous, hash };
				previous = hash;
				return entry;
			});
		};

		it('returns the last hash, and the changes since a known hash', async () => {
			const respelled = JSON.stringify({ own: 'spelling', ...JSON.parse(alice.publicKey) });
			const entries = chain(alice.publicKey, respelled, bob.publicKey);
			const [first, second, third] = entries;
			const whole = await e2e.verifyKeyHistory(entries);
			expect(whole).to.deep.equal({
				head: third?.hash,
				publicKey: bob.publicKey,
				since: entries,
				changes: [first, third],
			});
			const later = await e2e.verifyKeyHistory(entries, first?.hash);
			expect(later).to.deep.include({ since: [second, third], changes: [third] });
			expect(await e2e.verifyKeyHistory(entries, third?.hash)).to.deep.include({ since: [], changes: [] });
			const none = { head: '', publicKey: undefined, since: [], changes: [] };
			expect(await e2e.verifyKeyHistory([])).to.deep.equal(none);
		});

		it('accepts times in the forms of DDP and of REST', async () => {
			const entries = chain('one', 'two');
			const overDdp = entries.map((entry) => ({ ...entry, ts: { $date: (entry.ts as Date).getTime() } }));
			const overRest = JSON.parse(JSON.stringify(entries));
			expect((await e2e.verifyKeyHistory(overDdp)).head).to.equal(entries[1]?.hash);
			expect((await e2e.verifyKeyHistory(overRest)).head).to.equal(entries[1]?.hash);
		});

		it('accepts a history without old entries, unless some since the known hash are missing', async () => {
			const [first, second, third] = chain('one', 'two', 'three') as [
				e2e.KeyHistoryEntry,
				e2e.KeyHistoryEntry,
				e2e.KeyHistoryEntry,
			];
			const changes = [second, third];
			for (const knownHead of [undefined, first.hash])
				expect(await e2e.verifyKeyHistory(changes, knownHead)).to.deep.include({ head: third.hash, changes });
			expect(await e2e.verifyKeyHistory(changes, second.hash)).to.deep.include({ changes: [third] });
			expect(await codeOf(() => e2e.verifyKeyHistory([third], first.hash))).to.equal('broken-history');
		});

		it('refuses a history that was altered or ends before the known hash', async () => {
			const entries = chain('one', 'two', 'three');
			const [first, second, third] = entries as [e2e.KeyHistoryEntry, e2e.KeyHistoryEntry, e2e.KeyHistoryEntry];
			for (const changed of [
				[first, { ...second, public_key: 'other' }, third],
				[first, { ...second, ts: new Date(1500) }, third],
				[first, third],
				[{ ...second, previous: '' }, third],
				[first, third, second],
				[first, first, second, third],
				[null, second],
				5 as never,
				null as never,
			]) {
				const run = () => e2e.verifyKeyHistory(changed as e2e.KeyHistoryEntry[]);
				expect(await codeOf(run)).to.equal('broken-history');
			}
			expect(await codeOf(() => e2e.verifyKeyHistory([first, second], third.hash))).to.equal('broken-history');
		});
	});
});
