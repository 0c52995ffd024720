/** `roomkey/e2e`: the forms of `test/contract/rocketchat-e2e.md` section 13, byte for byte. */
import {
	createCipheriv,
	createDecipheriv,
	createHash,
	createPrivateKey,
	pbkdf2Sync,
	privateDecrypt,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import {
	decryptText,
	E2EError,
	encryptText,
	type Format,
	type Identity,
	importPublicKey,
	importRoomKey,
	makeIdentity,
	makeRoomKey,
	openRoomKey,
	publicKeyOf,
	sealedKeyId,
	sealRoomKey,
	unwrapPrivateKey,
	wrapPrivateKey,
} from 'roomkey/e2e';
import { rejection } from '../support/rejection.js';

// Made once by node:crypto, from constant keys, IVs and salts.
const vectors = JSON.parse(readFileSync('test/support/e2e-vectors.json', 'utf8'));
const { userId, passphrase, text } = vectors;
const formats: Format[] = ['v1', 'v2'];

const codeOf = async (promise: Promise<unknown>) => {
	const error = await rejection(promise);
	expect(error).to.be.instanceOf(E2EError);
	expect(error).not.to.have.property('cause');
	return error.code;
};

/** Runs a function with the bytes 0, 1, 2, … instead of random ones, and with a fixed UUID. */
async function withConstants<T>(uuid: string, run: () => Promise<T>): Promise<T> {
	Object.defineProperties(crypto, {
		getRandomValues: { configurable: true, value: (array: Uint8Array) => array.map((_, index) => index) },
		randomUUID: { configurable: true, value: () => uuid },
	});
	try {
		return await run();
	} finally {
		Reflect.deleteProperty(crypto, 'getRandomValues');
		Reflect.deleteProperty(crypto, 'randomUUID');
	}
}

describe('roomkey/e2e', () => {
	let alice: Identity;
	let bob: Identity;
	before(async () => {
		[alice, bob] = await Promise.all([makeIdentity(), makeIdentity()]);
	});

	describe('identity keys', () => {
		it('are RSA-OAEP-256 pairs of 2048 bits; the public key is a JWK', () => {
			const jwk = JSON.parse(alice.publicKey);
			expect(jwk).to.have.all.keys('alg', 'e', 'ext', 'key_ops', 'kty', 'n');
			expect(jwk).to.deep.include({ alg: 'RSA-OAEP-256', e: 'AQAB', ext: true, key_ops: ['encrypt'], kty: 'RSA' });
			expect(Buffer.from(jwk.n, 'base64url')).to.have.length(256);
		});

		it('have a public key that can be derived from the private one', async () => {
			expect(await publicKeyOf(alice.privateKey)).to.equal(alice.publicKey);
		});

		it('are wrapped to exactly the text of the test vectors', async () => {
			const key = await unwrapPrivateKey(vectors.wrappedV1, passphrase, userId);
			expect(await publicKeyOf(key)).to.equal(vectors.publicKey);
			await withConstants(vectors.wrappedUuid, async () => {
				expect(await wrapPrivateKey(key, passphrase, userId, 'v1')).to.equal(vectors.wrappedV1);
				expect(await wrapPrivateKey(key, passphrase, userId, 'v2', { rounds: 100_000 })).to.equal(vectors.wrappedV2);
			});
		});

		it('unwrap from the v2 test vector with any user id', async () => {
			const key = await unwrapPrivateKey(vectors.wrappedV2, passphrase, 'another user id');
			expect(await publicKeyOf(key)).to.equal(vectors.publicKey);
		});

		for (const format of formats) {
			it(`unwrap from ${format} with the right passphrase only`, async () => {
				const stored = await wrapPrivateKey(alice.privateKey, 'right', 'alice', format);
				expect(await publicKeyOf(await unwrapPrivateKey(stored, 'right', 'alice'))).to.equal(alice.publicKey);
				expect(await codeOf(unwrapPrivateKey(stored, 'wrong', 'alice'))).to.equal('wrong-passphrase');
				expect(await codeOf(unwrapPrivateKey(stored, '', 'alice'))).to.equal('wrong-passphrase');
			});
		}

		it('never unwrap with a wrong passphrase, even if the v1 padding fits by chance', async () => {
			// The padding fits by chance in about one of 256 attempts.
			for (let i = 0; i < 600; i++) {
				expect(await codeOf(unwrapPrivateKey(vectors.wrappedV1, `wrong ${i}`, userId))).to.equal('wrong-passphrase');
			}
		});

		it('accept a passphrase as web clients encode it, and as mobile clients do', async () => {
			const options = { allowAmbiguous: true };
			const stored = await wrapPrivateKey(alice.privateKey, 'Grüße', 'alice', 'v1', options);
			expect(readWrappedV1(stored, Buffer.from('Grüße', 'latin1'), 'alice')).to.have.property('kty', 'RSA');
			for (const written of ['Grüße', 'мир 🗝']) {
				const asUtf8 = Buffer.from(written).toString('latin1');
				const stored = await wrapPrivateKey(alice.privateKey, asUtf8, 'alice', 'v1', options);
				expect(await publicKeyOf(await unwrapPrivateKey(stored, written, 'alice'))).to.equal(alice.publicKey);
			}
			const inV2 = await wrapPrivateKey(alice.privateKey, 'мир 🗝', 'alice', 'v2', options);
			expect(await publicKeyOf(await unwrapPrivateKey(inV2, 'мир 🗝', 'alice'))).to.equal(alice.publicKey);
		});

		for (const [what, stored] of [
			['empty', ''],
			['not JSON', 'undefined'],
			['JSON of another kind', '[1]'],
			['an empty object', '{}'],
			['v1 cut off', '{"$binary":"AAAA"}'],
			['v1 not in whole blocks', `{"$binary":"${'AAAA'.repeat(15)}"}`],
			['v1 with a number instead of a text', '{"$binary":5}'],
			['v1 in another alphabet', vectors.wrappedV1.replaceAll('+', '-').replaceAll('/', '_')],
			['v2 without salt', vectors.wrappedV2.replace('"salt"', '"pepper"')],
			['v2 with an IV of another length', vectors.wrappedV2.replace(/"iv":"[^"]*"/, '"iv":"AAAA"')],
			['v2 without ciphertext', vectors.wrappedV2.replace('"ciphertext"', '"text"')],
			['v2 with so many rounds that a machine would be busy for ever', vectors.wrappedV2.replace('100000', '1e12')],
			['v2 with no rounds', vectors.wrappedV2.replace('100000', '0')],
		]) {
			it(`are malformed if their text is ${what}`, async () => {
				expect(await codeOf(unwrapPrivateKey(stored, passphrase, userId))).to.equal('malformed');
			});
		}

		it('are malformed if the decrypted value is no private key', async () => {
			const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync('right', 'alice', 1000, 32, 'sha256'), Buffer.alloc(16));
			const bytes = [Buffer.alloc(16), cipher.update(vectors.v1.jwk), cipher.final()];
			const stored = JSON.stringify({ $binary: Buffer.concat(bytes).toString('base64') });
			expect(await codeOf(unwrapPrivateKey(stored, 'right', 'alice'))).to.equal('malformed');
		});

		for (const [what, stored] of [
			['not JSON', 'key'],
			['stringified twice', JSON.stringify(vectors.publicKey)],
			['another kind of key', vectors.v1.jwk],
			['a key without modulus', '{"kty":"RSA","e":"AQAB"}'],
			['a modulus of another alphabet', '{"kty":"RSA","e":"AQAB","n":"ä"}'],
		]) {
			it(`are refused as public keys if their text is ${what}`, async () => {
				expect(await codeOf(importPublicKey(stored))).to.equal('malformed');
				expect(await codeOf(makeRoomKey().then((key) => sealRoomKey(key, stored)))).to.equal('malformed');
			});
		}
	});

	describe('room keys', () => {
		it('are AES-128-CBC in v1; their id is the beginning of the SHA-256 of their text', async () => {
			const { id, jwk } = await makeRoomKey('v1');
			expect(id).to.equal(createHash('sha256').update(jwk).digest('hex').slice(0, 12));
			const { k, ...rest } = JSON.parse(jwk);
			expect(rest).to.deep.equal({ alg: 'A128CBC', ext: true, key_ops: ['encrypt', 'decrypt'], kty: 'oct' });
			expect(Buffer.from(k, 'base64url')).to.have.length(16);
		});

		it('are AES-256-GCM in v2; their id is a UUID', async () => {
			const { id, jwk } = await makeRoomKey();
			expect(id).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
			const { k, ...rest } = JSON.parse(jwk);
			expect(rest).to.deep.equal({ alg: 'A256GCM', ext: true, key_ops: ['encrypt', 'decrypt'], kty: 'oct' });
			expect(Buffer.from(k, 'base64url')).to.have.length(32);
		});

		for (const format of formats) {
			it(`open from the ${format} test vector`, async () => {
				const privateKey = await unwrapPrivateKey(vectors.wrappedV1, passphrase, userId);
				const { id, jwk } = await openRoomKey(vectors[format].sealed, privateKey);
				expect({ id, jwk }).to.deep.equal({ id: vectors[format].id, jwk: vectors[format].jwk });
			});

			it(`are sealed in ${format} so that Node's own RSA opens them`, async () => {
				const key = await makeRoomKey(format);
				const sealed = await sealRoomKey(key, vectors.publicKey);
				expect(sealed).to.have.length(key.id.length + 344);
				expect(sealedKeyId(sealed)).to.equal(key.id);
				const privateKey = createPrivateKey({ key: JSON.parse(vectors.privateKey), format: 'jwk' });
				const data = Buffer.from(sealed.slice(key.id.length), 'base64');
				expect(privateDecrypt({ key: privateKey, oaepHash: 'sha256' }, data).toString()).to.equal(key.jwk);
			});

			it(`open in ${format} only with the private key of the intended user`, async () => {
				const key = await makeRoomKey(format);
				const sealed = await sealRoomKey(key, bob.publicKey);
				expect(await openRoomKey(sealed, bob.privateKey)).to.deep.include({ id: key.id, jwk: key.jwk });
				expect(await codeOf(openRoomKey(sealed, alice.privateKey))).to.equal('wrong-key');
			});
		}

		it('may have ids of any length', async () => {
			for (const id of ['k', 'my-UniQu3_ke4_Id', 'x'.repeat(128)]) {
				const sealed = await sealRoomKey(await importRoomKey(id, vectors.v2.jwk), bob.publicKey);
				expect(await openRoomKey(sealed, bob.privateKey)).to.include({ id, jwk: vectors.v2.jwk });
			}
		});

		for (const [what, sealed] of [
			['empty', ''],
			['an id alone', 'abcdef123456'],
			['cut off at its end', vectors.v2.sealed.slice(0, -12)],
			['without an id', vectors.v2.sealed.slice(-344)],
			['in another alphabet', `${vectors.v2.sealed.slice(0, -3)}-==`],
			['of 258 bytes', `id${'A'.repeat(344)}`],
		]) {
			it(`are malformed if their sealed text is ${what}`, async () => {
				expect(await codeOf(openRoomKey(sealed, alice.privateKey))).to.equal('malformed');
				expect(() => sealedKeyId(sealed)).to.throw(E2EError);
			});
		}

		for (const [what, jwk] of [
			['not JSON', 'key'],
			['an identity key', vectors.publicKey],
			['of another cipher', vectors.v2.jwk.replace('A256GCM', 'A256CTR')],
			['of another length', vectors.v2.jwk.replace('A256GCM', 'A128CBC')],
			['missing', '{"alg":"A256GCM","kty":"oct"}'],
		]) {
			it(`are malformed if the key itself is ${what}`, async () => {
				expect(await codeOf(importRoomKey('id', jwk))).to.equal('malformed');
				const key = await importPublicKey(bob.publicKey);
				const sealed = await crypto.subtle.encrypt('RSA-OAEP', key, Buffer.from(jwk)).catch(() => null);
				// Some of these texts are too long to be sealed.
				if (!sealed) return;
				const text = `id${Buffer.from(sealed).toString('base64')}`;
				expect(await codeOf(openRoomKey(text, bob.privateKey))).to.equal('malformed');
			});
		}

		it('are not sealed with a public key of fewer than 2048 bits', async () => {
			const size = { modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) };
			const rsa = { name: 'RSA-OAEP', hash: 'SHA-256', ...size };
			const short = await crypto.subtle.generateKey(rsa, true, ['encrypt', 'decrypt']);
			const publicKey = await publicKeyOf(short.privateKey);
			expect(await codeOf(sealRoomKey(await makeRoomKey('v1'), publicKey))).to.equal('unfit-key');
		});
	});

	describe('text', () => {
		for (const format of formats) {
			it(`is encrypted and decrypted, in ${format}, as in the test vectors`, async () => {
				const key = await importRoomKey(vectors[format].id, vectors[format].jwk);
				expect(await decryptText(vectors[format].content, [key])).to.equal(text);
				await withConstants('', async () => {
					expect(await encryptText(text, key)).to.deep.equal(vectors[format].content);
				});
			});

			it(`opens in ${format} only with the key that it names, among several`, async () => {
				const [first, named, third] = await Promise.all([
					makeRoomKey(format),
					makeRoomKey(format),
					makeRoomKey(format),
				]);
				const content = await encryptText('', named);
				expect(await decryptText(content, [first, named])).to.equal('');
				expect(await codeOf(decryptText(content, [first]))).to.equal('unknown-key');
				expect(await codeOf(decryptText(content, []))).to.equal('unknown-key');
				expect(await codeOf(decryptText(content, [{ ...third, id: named.id }]))).to.equal('wrong-key');
				expect(await decryptText(content, [{ ...third, id: named.id }, named])).to.equal('');
			});
		}

		it('is read in the forms of other clients', async () => {
			const v1 = await importRoomKey(vectors.v1.id, vectors.v1.jwk);
			expect(await decryptText(vectors.v2UnderV1Key, [v1])).to.equal(text);
			expect(await decryptText(vectors.v1.content.ciphertext, [v1])).to.equal(text);
			expect(await decryptText(vectors.mobile, [v1])).to.equal(text);
			const v2 = await importRoomKey('k', vectors.v2.jwk);
			const iv = new Uint8Array(12);
			const file = Buffer.from('{"attachments":[]}');
			const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, v2.key, file);
			const [ivText, ciphertext] = [Buffer.from(iv).toString('base64'), Buffer.from(data).toString('base64')];
			expect(await decryptText({ algorithm: 'rc.v2.aes-sha2', kid: 'k', iv: ivText, ciphertext }, [v2])).to.equal('');
		});

		it('is encrypted as v2 for a v1 key without an id of 12 characters', async () => {
			const key = await importRoomKey('my-UniQu3_ke4_Id', vectors.v1.jwk);
			const content = await encryptText(text, key);
			expect(content).to.include({ algorithm: 'rc.v2.aes-sha2', kid: key.id });
			expect(await decryptText(content, [key])).to.equal(text);
		});

		it('is encrypted differently each time', async () => {
			const key = await makeRoomKey();
			const contents = await Promise.all(Array.from({ length: 20 }, () => encryptText(text, key)));
			expect(new Set(contents.map((content) => JSON.stringify(content))).size).to.equal(20);
		});

		it('does not open if it was changed', async () => {
			const key = await importRoomKey(vectors.v2.id, vectors.v2.jwk);
			const flipped = Buffer.from(vectors.v2.content.ciphertext, 'base64').map((byte, i) =>
				i === 3 ? byte ^ 1 : byte,
			);
			const content = { ...vectors.v2.content, ciphertext: Buffer.from(flipped).toString('base64') };
			expect(await codeOf(decryptText(content, [key]))).to.equal('wrong-key');
		});

		for (const [what, content] of [
			['missing', undefined],
			['an empty text', ''],
			['an id alone', 'abcdef123456'],
			['v1 cut off', { ...vectors.v1.content, ciphertext: vectors.v1.content.ciphertext.slice(0, 36) }],
			['v1 of another alphabet', { ...vectors.v1.content, ciphertext: `${vectors.v1.id}____` }],
			['v2 without iv', { ...vectors.v2.content, iv: undefined }],
			['v2 with an iv of another length', { ...vectors.v2.content, iv: 'AAAA' }],
			['v2 without key id', { ...vectors.v2.content, kid: undefined }],
			['v2 cut off', { ...vectors.v2.content, ciphertext: 'AAAA' }],
			['another algorithm', { ...vectors.v2.content, algorithm: 'm.megolm.v1.aes-sha2' }],
		]) {
			it(`is malformed if its encrypted content is ${what}`, async () => {
				expect(await codeOf(decryptText(content, []))).to.equal('malformed');
			});
		}
	});

	it('quotes no text, key or passphrase in errors', async () => {
		const secret = 'top-secret-thing';
		const errors = await Promise.all([
			rejection(importRoomKey('k', `{"${secret}`)),
			rejection(importRoomKey('k', secret)),
			rejection(unwrapPrivateKey(secret, secret, secret)),
			rejection(unwrapPrivateKey(vectors.wrappedV2, secret, userId)),
			rejection(sealRoomKey({ id: 'k', jwk: secret, key: alice.privateKey }, secret)),
			rejection(decryptText(secret, [])),
		]);
		for (const error of errors) expect(`${error.message}${JSON.stringify(error)}`).not.to.include(secret);
	});

	it('fails with the code no-web-crypto without crypto.subtle, as on an http page', async () => {
		const real = Object.getOwnPropertyDescriptor(globalThis, 'crypto') as PropertyDescriptor;
		Object.defineProperty(globalThis, 'crypto', { configurable: true, value: {} });
		try {
			expect(await codeOf(makeIdentity())).to.equal('no-web-crypto');
		} finally {
			Object.defineProperty(globalThis, 'crypto', real);
		}
	});
});

/** Opens a v1 private key with another implementation. */
function readWrappedV1(stored: string, passphrase: Buffer, userId: string): unknown {
	const bytes = Buffer.from(JSON.parse(stored).$binary, 'base64');
	const key = pbkdf2Sync(passphrase, userId, 1000, 32, 'sha256');
	const decipher = createDecipheriv('aes-256-cbc', key, bytes.subarray(0, 16));
	return JSON.parse(Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()]).toString());
}
