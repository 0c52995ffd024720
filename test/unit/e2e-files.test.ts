/** `roomkey/e2e`: files as streams. */
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import * as e2e from 'roomkey/e2e';
import { codeOf, drain, streamOf } from '../clients/e2e/suite.js';

const MEGABYTE = 1024 * 1024;

describe('files in roomkey/e2e', () => {
	it("are encrypted in pieces of any size, with the same result as Node's own cipher", async () => {
		const plain = randomBytes(3 * MEGABYTE + 5);
		// Each number is the end of a piece.
		const pieces = [0, 7, 100, 2 * MEGABYTE, plain.length].map((end, i, ends) => plain.subarray(ends[i - 1] ?? 0, end));
		const { stream, info, name } = await e2e.encryptFile(streamOf(...pieces), { name: 'plan.pdf', type: 'a/b' });
		const encrypted = Buffer.from(await new Response(stream).arrayBuffer());
		const { encryption, hashes, ...rest } = await info;
		expect(rest).to.deep.equal({ name: 'plan.pdf', type: 'a/b', typeGroup: 'a', size: plain.length });
		expect(hashes.sha256).to.equal(createHash('sha256').update(plain).digest('hex'));
		expect(name).to.equal(createHash('sha256').update('plan.pdf').digest('hex'));
		const key = Buffer.from(encryption.key.k, 'base64url');
		const cipher = createCipheriv('aes-256-ctr', key, Buffer.from(encryption.iv, 'base64'));
		expect(encrypted.equals(cipher.update(plain))).to.equal(true);
	});

	it('are encrypted from 200,000 pieces of one byte', async () => {
		let remaining = 200_000;
		const source = new ReadableStream<Uint8Array>({
			pull(controller) {
				if (remaining-- > 0) controller.enqueue(new Uint8Array(1));
				else controller.close();
			},
		});
		const { stream, info } = await e2e.encryptFile(source, { name: 'n' });
		await drain(stream);
		expect((await info).size).to.equal(200_000);
	});

	it('are decrypted with a counter of 64 bits, as in web clients, even if it overflows', async () => {
		const iv = Buffer.concat([Buffer.alloc(8, 1), Buffer.alloc(8, 0xff)]);
		const k = randomBytes(32);
		const jwk = { kty: 'oct', alg: 'A256CTR', k: k.toString('base64url') } as const;
		const plain = new Uint8Array(2 * MEGABYTE).fill(7);
		const key = await crypto.subtle.importKey('raw', k, 'AES-CTR', false, ['encrypt']);
		const whole = await crypto.subtle.encrypt({ name: 'AES-CTR', counter: iv, length: 64 }, key, plain);
		const encryption = { key: jwk, iv: iv.toString('base64') };
		const read = await e2e.decryptFile(streamOf(new Uint8Array(whole)), { encryption });
		expect(Buffer.from(await new Response(read).arrayBuffer()).equals(plain)).to.equal(true);
	});

	it('get an initial counter so low that it never overflows 64 bits', async () => {
		for (let i = 0; i < 20; i++) {
			const { stream, info } = await e2e.encryptFile(streamOf(), { name: 'n' });
			await drain(stream);
			expect((Buffer.from((await info).encryption.iv, 'base64')[8] ?? 0xff) & 0x80).to.equal(0);
		}
	});

	it('are read only as fast as the result is consumed', async () => {
		const piece = new Uint8Array(MEGABYTE);
		let read = 0;
		const source = new ReadableStream<Uint8Array>(
			{
				pull(controller) {
					read++;
					controller.enqueue(piece);
				},
			},
			{ highWaterMark: 0 },
		);
		const { stream, info } = await e2e.encryptFile(source, { name: 'endless' });
		const plain = await e2e.decryptFile(stream, {
			encryption: { key: await anyKey(), iv: 'AAAAAAAAAAAAAAAAAAAAAA==' },
		});
		const reader = plain.getReader();
		let taken = 0;
		for (let i = 0; i < 40; i++) {
			taken += (await reader.read()).value?.length ?? 0;
			expect(read * MEGABYTE - taken).to.be.at.most(3 * MEGABYTE);
		}
		await reader.cancel();
		// `info` includes the hash of the whole file, which was not read to its end.
		expect(await codeOf(() => info)).to.equal('malformed');
	});

	it('fail at their end if they were changed and their hash is given', async () => {
		const { stream, info } = await e2e.encryptFile(streamOf(new Uint8Array(100)), { name: 'n' });
		const encrypted = await drain(stream);
		const known = await info;
		const [first = 0] = encrypted;
		for (const changed of [encrypted.with(0, first ^ 1), encrypted.slice(0, 99), new Uint8Array(0)]) {
			const read = async () => drain(await e2e.decryptFile(streamOf(changed), known));
			expect(await codeOf(read)).to.equal('file-changed');
		}
		const { encryption } = known;
		expect(await drain(await e2e.decryptFile(streamOf(encrypted.slice(0, 99)), { encryption }))).to.have.length(99);
	});

	it('are refused with an invalid key, IV or hash', async () => {
		const key = await anyKey();
		const iv = 'AAAAAAAAAAAAAAAAAAAAAA==';
		for (const info of [
			{ encryption: { key, iv: 'AAAA' } },
			{ encryption: { key: { ...key, k: 'AAAA' }, iv } },
			{ encryption: { key: { ...key, kty: 'RSA' }, iv } },
			{ encryption: { key, iv }, hashes: { sha256: 'short' } },
			{},
		]) {
			const run = () => e2e.decryptFile(streamOf(), info as unknown as e2e.FileInfo);
			expect(await codeOf(run)).to.equal('malformed');
		}
	});

	it('fail with the error of their source', async () => {
		const source = new ReadableStream<Uint8Array>({
			pull(controller) {
				controller.error(new Error('the disk is gone'));
			},
		});
		const { stream, info } = await e2e.encryptFile(source, { name: 'n' });
		const outcomes = await Promise.allSettled([drain(stream), info]);
		for (const outcome of outcomes) {
			expect(outcome).to.have.property('status', 'rejected');
			expect((outcome as PromiseRejectedResult).reason).to.have.property('message', 'the disk is gone');
		}
	});

	async function anyKey(): Promise<e2e.FileEncryption['key']> {
		const { stream, info } = await e2e.encryptFile(streamOf(), { name: 'n' });
		await drain(stream);
		return (await info).encryption.key;
	}
});
