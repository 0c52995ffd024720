/** `roomkey/e2e`: which public, private and room keys are used or refused. */
import { inspect } from 'node:util';
import { expect } from 'chai';
import * as e2e from 'roomkey/e2e';
import { codeOf } from '../clients/e2e/suite.js';
import { rejection } from '../support/rejection.js';

const userId = 'someUserId';

async function otherIdentity(modulusLength: number, publicExponent: number[]): Promise<e2e.Identity> {
	const rsa = { name: 'RSA-OAEP', hash: 'SHA-256', modulusLength, publicExponent: Uint8Array.from(publicExponent) };
	const { privateKey } = await crypto.subtle.generateKey(rsa, true, ['encrypt', 'decrypt']);
	return { publicKey: await e2e.publicKeyOf(privateKey), privateKey };
}

describe('roomkey/e2e', () => {
	let alice: e2e.Identity;
	let bob: e2e.Identity;
	before(async () => {
		[alice, bob] = await Promise.all([e2e.makeIdentity(), e2e.makeIdentity()]);
	});

	it('refuses weak or malformed public keys of other users', async () => {
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
		// 2^64 + 1, which is odd.
		const longExponent = JSON.stringify({ kty: 'RSA', n, e: 'AQAAAAAAAAAB' });
		expect((await rejection(e2e.importPublicKey(longExponent))).message).to.equal(
			'The public key cannot be used: its exponent must be odd, at least 65537 and below 2^64',
		);
		for (const junk of ['garbage', '{}', '[]', '', alice.publicKey.replace('RSA"', 'EC"'), undefined]) {
			expect(await codeOf(() => e2e.sealRoomKey(key, junk as string))).to.equal('malformed');
		}
	});

	it('accepts public keys with another exponent from 65537 upwards, whatever usages they state', async () => {
		const key = await e2e.makeRoomKey();
		const { publicKey, privateKey } = await otherIdentity(2048, [1, 0, 3]);
		expect((await e2e.openRoomKey(await e2e.sealRoomKey(key, publicKey), privateKey)).jwk).to.equal(key.jwk);
		const noUses = JSON.stringify({ ...JSON.parse(alice.publicKey), key_ops: [] });
		expect((await e2e.openRoomKey(await e2e.sealRoomKey(key, noUses), alice.privateKey)).id).to.equal(key.id);
	});

	it('imports public keys over 2048 bits, but seals nothing for them', async () => {
		const { publicKey } = await otherIdentity(3072, [1, 0, 1]);
		expect((await e2e.importPublicKey(publicKey)).type).to.equal('public');
		const seal = async () => e2e.sealRoomKey(await e2e.makeRoomKey(), publicKey);
		expect(await codeOf(seal)).to.equal('unfit-key');
	});

	it('refuses room keys that do not match their v1 id, unless `anyId` is set', async () => {
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

	it('opens a room key that is offered under a wrong id, given the key id of the room', async () => {
		const right = await e2e.makeRoomKey('v1');
		const offered = `0123456789ab${(await e2e.sealRoomKey(right, alice.publicKey)).slice(-344)}`;
		const opened = await e2e.openRoomKey(offered, alice.privateKey, { keyId: right.id });
		expect({ id: opened.id, jwk: opened.jwk }).to.deep.equal({ id: right.id, jwk: right.jwk });
	});

	it('uses non-extractable keys, and fails where they must be extracted', async () => {
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

	it('refuses other kinds of keys in place of private or room keys', async () => {
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

	it('hides the secret of a room key when printed or converted to JSON', async () => {
		for (const format of e2e.FORMATS) {
			const key = await e2e.makeRoomKey(format);
			const { k } = JSON.parse(key.jwk);
			const shown = [inspect(key, { depth: 9, showHidden: true }), JSON.stringify({ key }), `${key}`].join('\n');
			expect(shown).not.to.include(k);
			expect(JSON.parse(JSON.stringify(key))).to.deep.equal({ id: key.id });
		}
	});
});
