/**
 * The suite of `roomkey/e2e`, which runs in Node and in Chromium. It must not import modules of Node. The vectors are
 * outputs of Rocket.Chat's clients.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import * as e2e from 'roomkey/e2e';

/** What one client made. */
export interface Vector {
	client: string;
	format: e2e.Format;
	userId: string;
	passphrase: string;
	public_key: string;
	private_key: string;
	/** `own` is sealed for this client itself, `sealed` for the `recipient` of the vectors. */
	roomKey: { id: string; jwk: string; own: string; sealed: string };
	messages: { text: string; encrypted: e2e.Message }[];
	contents: { plain: e2e.Content; encrypted: e2e.EncryptedContent }[];
	/** `plain` is the file and `data` the encrypted file, in base64. `uploadName` is the hash of `name`. */
	file?: { plain: string; name: string; uploadName: string; data: string; metadata: e2e.EncryptedContent };
}

export interface Vectors {
	/** The identity keys for which each client has sealed its room key. */
	recipient: { userId: string; passphrase: string; public_key: string; private_key: string };
	clients: Vector[];
	/** Single messages of clients that are not in `clients`, or encrypted with a room key that another client made. */
	mixed: { client: string; roomKey: { id: string; jwk: string }; text: string; encrypted: e2e.Message }[];
}

export interface Case {
	title: string;
	run(): Promise<void>;
}

/** Few rounds of PBKDF2, and passphrases with any characters. */
const QUICK = { rounds: 1000, allowAmbiguous: true };

const MANY_RUNS = { numRuns: 60 };
/** For a property that derives a key from a passphrase, which is slow. */
const FEW_RUNS = { numRuns: 8 };

export const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

export function streamOf(...pieces: Uint8Array[]): ReadableStream<Uint8Array> {
	return new ReadableStream({
		start(controller) {
			for (const piece of pieces) controller.enqueue(piece);
			controller.close();
		},
	});
}

export async function drain(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
	const pieces: number[] = [];
	const reader = stream.getReader();
	for (;;) {
		const { value, done } = await reader.read();
		if (done) return Uint8Array.from(pieces);
		for (const byte of value) pieces.push(byte);
	}
}

/** Calls a function that must fail with an E2EError. @returns the code of the error */
export async function codeOf(run: () => unknown): Promise<e2e.E2EErrorCode> {
	try {
		await run();
	} catch (error) {
		expect(error).to.be.instanceOf(e2e.E2EError);
		return (error as e2e.E2EError).code;
	}
	throw new Error('expected a failure');
}

/** Flips one bit of the bytes of a base64 text. */
function flipped(base64: string, at: number): string {
	const bytes = bytesOf(base64);
	const bit = at % (bytes.length * 8);
	bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
	return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

export function cases({ recipient, clients, mixed }: Vectors): Case[] {
	return [
		...clients.flatMap((vector) => readingOf(vector, recipient)),
		...mixed.map(({ client, roomKey, text, encrypted }) => ({
			title: `reads a message of ${client}`,
			async run() {
				const key = await e2e.importRoomKey(roomKey.id, roomKey.jwk);
				const other = await e2e.makeRoomKey('v1');
				expect(await e2e.decryptMessage(encrypted, [other, key])).to.include({ msg: text, e2e: 'done' });
			},
		})),
		...properties(),
	];
}

/** Cases that read what a client wrote. */
function readingOf(vector: Vector, recipient: Vectors['recipient']): Case[] {
	const { client, roomKey, messages, contents, file } = vector;
	const openKey = async () => {
		const privateKey = await e2e.unwrapPrivateKey(recipient.private_key, recipient.passphrase, recipient.userId);
		return e2e.openRoomKey(roomKey.sealed, privateKey);
	};
	const all: Case[] = [
		{
			title: `reads the identity keys of ${client}`,
			async run() {
				const identity = await e2e.unwrapIdentity(vector.private_key, vector.passphrase, vector.userId);
				expect(e2e.sameKey(identity.publicKey, vector.public_key)).to.equal(true);
				const opened = await e2e.openRoomKey(roomKey.own, identity.privateKey);
				expect(opened.jwk).to.equal(roomKey.jwk);
			},
		},
		{
			title: `reads a room key that ${client} sealed`,
			async run() {
				const { id, jwk } = await openKey();
				expect({ id, jwk }).to.deep.equal({ id: roomKey.id, jwk: roomKey.jwk });
			},
		},
		{
			title: `reads messages of ${client}`,
			async run() {
				for (const { text, encrypted } of messages) {
					const { _id, rid } = encrypted;
					const shown = await e2e.decryptMessage(encrypted, [await openKey()]);
					expect(shown).to.deep.equal({ _id, rid, msg: text, t: 'e2e', e2e: 'done' });
				}
			},
		},
		{
			title: `reads messages of ${client} if the sealed key has another id than the room`,
			async run() {
				const privateKey = await e2e.unwrapPrivateKey(recipient.private_key, recipient.passphrase, recipient.userId);
				const renamed = `otherId12345${roomKey.sealed.slice(-344)}`;
				const withSealedId = await e2e.openRoomKey(renamed, privateKey);
				expect(withSealedId.id).to.equal('otherId12345');
				const withGivenId = await e2e.openRoomKey(renamed, privateKey, { keyId: roomKey.id });
				expect(withGivenId.id).to.equal(roomKey.id);
				for (const { text, encrypted } of messages) {
					expect((await e2e.decryptMessage(encrypted, [withSealedId])).msg).to.equal(text);
				}
			},
		},
	];
	if (contents.length > 0) {
		all.push({
			title: `reads attachments, quotes and files of ${client}`,
			async run() {
				for (const { plain, encrypted } of contents) {
					const read = await e2e.decryptContent(encrypted, [await openKey()]);
					expect(read).to.deep.equal(withDates(plain));
					expect(read).not.to.have.property('msg');
				}
			},
		});
	}
	if (file) {
		all.push({
			title: `reads the file of ${client}`,
			async run() {
				const info = (await e2e.decryptContent(file.metadata, [await openKey()])) as unknown as e2e.FileInfo;
				const plain = await drain(await e2e.decryptFile(streamOf(bytesOf(file.data)), info));
				expect(plain).to.deep.equal(bytesOf(file.plain));
				expect((await e2e.encryptFile(streamOf(), { name: file.name })).name).to.equal(file.uploadName);
			},
		});
	}
	return all;
}

/** Turns the EJSON dates of a vector into `Date`. */
const withDates = (content: e2e.Content): e2e.Content =>
	JSON.parse(JSON.stringify(content), (_, value) => (value?.$date === undefined ? value : new Date(value.$date)));

/** Contents with dates, and with objects that look like the special objects of EJSON. */
const anyContent = fc.dictionary(
	fc.string({ unit: 'binary' }),
	fc.oneof(
		fc.jsonValue({ maxDepth: 4 }),
		fc.record({ $date: fc.integer() }),
		fc.record({ $escape: fc.record({ $date: fc.jsonValue() }) }),
		fc.record({ $type: fc.string(), $value: fc.string() }),
		fc.date({ noInvalidDate: true }),
	),
) as fc.Arbitrary<e2e.Content>;

function properties(): Case[] {
	const keys = Promise.all(e2e.FORMATS.map(async (format) => ({ format, key: await e2e.makeRoomKey(format) })));
	const identity = e2e.makeIdentity();
	// Without a handler, a failure before a case awaits these promises would end the process.
	keys.catch(() => {});
	identity.catch(() => {});
	const check = <T>(arbitrary: fc.Arbitrary<T>, run: (value: T) => Promise<void>, runs = MANY_RUNS) =>
		fc.assert(fc.asyncProperty(arbitrary, run), runs);
	return [
		{
			title: 'decrypts every text that it has encrypted, in every format',
			async run() {
				for (const { format, key } of await keys) {
					await check(fc.string({ unit: 'binary' }), async (text) => {
						expect(await e2e.decryptText(await e2e.encryptText(text, key, format), [key])).to.equal(text);
						const message = await e2e.encryptMessage({ _id: 'm', rid: 'r', msg: text }, key, { format });
						expect((await e2e.decryptMessage(message, [key])).msg).to.equal(text);
					});
				}
			},
		},
		{
			title: 'decrypts every content that it has encrypted, in every format',
			async run() {
				for (const { format, key } of await keys) {
					await check(anyContent, async (content) => {
						const read = await e2e.decryptContent(await e2e.encryptContent(content, key, format), [key]);
						// JSON has no negative zero.
						expect(read).to.deep.equal(withoutNegativeZero(content));
					});
				}
			},
		},
		{
			title: 'opens a private key with its passphrase, and not with another one',
			async run() {
				const { privateKey, publicKey } = await identity;
				const passphrases = fc.tuple(fc.string({ unit: 'binary', minLength: 1 }), fc.constantFrom(...e2e.FORMATS));
				await check(
					passphrases,
					async ([passphrase, format]) => {
						const stored = await e2e.wrapPrivateKey(privateKey, passphrase, 'user', format, QUICK);
						const opened = await e2e.unwrapIdentity(stored, passphrase, 'user', { extractable: false });
						expect(opened.publicKey).to.equal(publicKey);
						expect(await codeOf(() => e2e.unwrapPrivateKey(stored, `${passphrase}.`, 'user'))).to.equal(
							'wrong-passphrase',
						);
					},
					FEW_RUNS,
				);
			},
		},
		{
			title: 'detects a flipped bit of a v2 text, and throws only E2EErrors in every format',
			async run() {
				for (const { format, key } of await keys) {
					const content = await e2e.encryptText('transfer 100 to bob', key, format);
					await check(fc.nat(), async (at) => {
						if (content.algorithm === 'rc.v1.aes-sha2') {
							// Without a MAC a change can go unnoticed.
							const changed = content.ciphertext.slice(0, 12) + flipped(content.ciphertext.slice(12), at);
							const read = e2e.decryptContent({ ...content, ciphertext: changed }, [key]);
							await read.catch((error: unknown) => expect(error).to.be.instanceOf(e2e.E2EError));
						} else {
							const changed = { ...content, ciphertext: flipped(content.ciphertext, at) };
							expect(await codeOf(() => e2e.decryptContent(changed, [key]))).to.equal('wrong-key');
						}
					});
				}
			},
		},
		{
			title: 'detects a flipped bit of a sealed or wrapped key',
			async run() {
				const { privateKey, publicKey } = await identity;
				const wrapped = await e2e.wrapPrivateKey(privateKey, 'passphrase', 'user', 'v2', QUICK);
				const { ciphertext } = JSON.parse(wrapped);
				for (const { key } of await keys) {
					const sealed = await e2e.sealRoomKey(key, publicKey);
					await check(fc.nat(), async (at) => {
						const changed = key.id + flipped(sealed.slice(-344), at);
						expect(await codeOf(() => e2e.openRoomKey(changed, privateKey))).to.equal('wrong-key');
					});
				}
				await check(
					fc.nat(),
					async (at) => {
						const changed = wrapped.replace(ciphertext, flipped(ciphertext, at));
						const code = await codeOf(() => e2e.unwrapPrivateKey(changed, 'passphrase', 'user'));
						expect(code).to.equal('wrong-passphrase');
					},
					FEW_RUNS,
				);
			},
		},
		{
			title: 'throws only E2EErrors, whatever it is given',
			async run() {
				const [first] = await keys;
				const { privateKey, publicKey: recipientKey } = await identity;
				if (!first) throw new Error('no key');
				const { key } = first;
				const anything = fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true });
				await check(anything, async (thing) => {
					// biome-ignore lint/suspicious/noExplicitAny: callers in JavaScript give anything
					const any = thing as any;
					await codeOf(() => e2e.importPublicKey(any));
					await codeOf(() => e2e.sealRoomKey(key, any));
					await codeOf(() => e2e.openRoomKey(any, privateKey));
					await codeOf(() => e2e.importRoomKey('id', any));
					await codeOf(() => e2e.unwrapPrivateKey(any, 'passphrase', 'user'));
					await codeOf(() => e2e.decryptContent(any, [key]));
					await e2e.sealRoomKey(any, recipientKey).catch(expectE2EError);
					await e2e.encryptContent({}, any).catch(expectE2EError);
					await e2e.decryptContent(await e2e.encryptText('text', key), any).catch(expectE2EError);
					await e2e.decryptContent(await e2e.encryptText('text', key), [any]).catch(expectE2EError);
					await e2e.encryptContent(any, key).catch(expectE2EError);
					await e2e.encryptMessage(any, key).catch(expectE2EError);
					await e2e.encryptText(any, key).catch(expectE2EError);
					await e2e.encryptFile(any, any ?? {}).catch(expectE2EError);
					await e2e.decryptFile(any, any).catch(expectE2EError);
					await e2e.fingerprintOf(any).catch(expectE2EError);
					await e2e.verifyKeyHistory([any]).catch(expectE2EError);
				});
			},
		},
		{
			title: 'decrypts every file that it has encrypted, of any size and in any pieces',
			async run() {
				const pieces = fc.array(fc.uint8Array({ maxLength: 70 }), { maxLength: 6 });
				await check(pieces, async (pieces) => {
					const { stream, info } = await e2e.encryptFile(streamOf(...pieces), { name: 'n', type: 'text/plain' });
					const encrypted = await drain(stream);
					const known = await info;
					const plain = Uint8Array.from(pieces.flatMap((piece) => [...piece]));
					expect(encrypted.length).to.equal(plain.length);
					expect(known.size).to.equal(plain.length);
					expect(await drain(await e2e.decryptFile(streamOf(encrypted), known))).to.deep.equal(plain);
				});
			},
		},
		{
			title: 'makes fingerprints of 60 digits from the value of a key, not from its text',
			async run() {
				const { publicKey } = await identity;
				const { n, e, ...rest } = JSON.parse(publicKey);
				const spelled = JSON.stringify({ n, ...rest, ext: false, e });
				expect(await e2e.fingerprintOf(publicKey)).to.match(/^\d{5}( \d{5}){11}$/);
				expect(await e2e.fingerprintOf(spelled)).to.equal(await e2e.fingerprintOf(publicKey));
				expect(e2e.sameKey(spelled, publicKey)).to.equal(true);
				expect(e2e.sameKey(publicKey, (await e2e.makeIdentity()).publicKey)).to.equal(false);
			},
		},
	];
}

function expectE2EError(error: unknown): void {
	expect(error).to.be.instanceOf(e2e.E2EError);
}

function withoutNegativeZero(value: unknown): unknown {
	if (Object.is(value, -0)) return 0;
	if (Array.isArray(value)) return value.map(withoutNegativeZero);
	if (typeof value !== 'object' || value === null || value instanceof Date) return value;
	return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutNegativeZero(member)]));
}
