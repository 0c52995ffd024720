/**
 * Encrypts and decrypts files with AES-256-CTR, as streams that buffer about a megabyte. Each file has a new key. The
 * message with the file contains this key.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import {
	type Bytes,
	concat,
	fromBase64,
	isObject,
	type Key,
	randomBytes,
	requireWebCrypto,
	sha256Hex,
	subtle,
	toBase64,
	toBase64Url,
	toHex,
} from './bytes.js';
import { E2EError, malformed, orMalformed } from './error.js';

/** Block size of AES, in bytes. */
const BLOCK = 16;

/** Number of bytes that are encrypted in one piece: 1 MiB. */
const CHUNK = 65_536 * BLOCK;

export interface FileEncryption {
	readonly key: {
		readonly kty: 'oct';
		readonly alg: 'A256CTR';
		readonly k: string;
		readonly [member: string]: unknown;
	};
	/** Base64 of the first counter block, 16 bytes. */
	readonly iv: string;
}

/** All that is needed to read a file. Secret: only send it in encrypted content. */
export interface FileInfo {
	readonly name: string;
	readonly type: string;
	/** The part of the type before the slash. */
	readonly typeGroup: string;
	/** Size of the plain file, in bytes. */
	readonly size: number;
	readonly encryption: FileEncryption;
	/** Hash of the plain file, in hexadecimal digits. */
	readonly hashes: { readonly sha256: string };
}

export interface EncryptedFile {
	/** Name for the upload: the SHA-256 of the real name, which the server must not see. */
	readonly name: string;
	readonly stream: ReadableStream<Bytes>;
	/** Resolves when the stream has been read to its end. Rejects if the stream fails or is cancelled. */
	readonly info: Promise<FileInfo>;
}

/**
 * Encrypts a file.
 *
 * @param source the plain bytes, such as the `stream()` of a `Blob`, or `Readable.toWeb` of a file in Node
 * @throws E2EError `malformed` for wrong arguments, and for a stream that has a reader already
 */
export async function encryptFile(
	source: ReadableStream<Uint8Array>,
	file: { readonly name: string; readonly type?: string },
): Promise<EncryptedFile> {
	requireWebCrypto();
	const { name, type = 'application/octet-stream' } = isObject<typeof file>(file) ? file : {};
	if (typeof name !== 'string' || typeof type !== 'string' || !isReadable(source)) throw malformed('The file');
	const iv = randomBytes(BLOCK);
	// Rocket.Chat's web client counts blocks in the lower 64 bits of the IV, its phone apps in all 128. Both count
	// alike if the lower half cannot overflow. Therefore its highest bit is cleared.
	iv[8] = (iv[8] ?? 0) & 0x7f;
	const encryption: FileEncryption = {
		key: { alg: 'A256CTR', ext: true, k: toBase64Url(randomBytes(32)), key_ops: ['encrypt', 'decrypt'], kty: 'oct' },
		iv: toBase64(iv),
	};
	const cipher = await counterMode(encryption);
	const hash = sha256.create();
	let size = 0;
	let resolve: (info: FileInfo) => void = () => {};
	let reject: (error: unknown) => void = () => {};
	const info = new Promise<FileInfo>((onResolve, onReject) => {
		resolve = onResolve;
		reject = onReject;
	});
	// The stream fails with the same error, so callers may ignore `info`.
	info.catch(() => {});
	const stream = convert(source, {
		convertPiece(plain) {
			hash.update(plain);
			size += plain.length;
			return cipher(plain);
		},
		end() {
			const typeGroup = type.split('/')[0] ?? '';
			const hashes = { sha256: toHex(new Uint8Array(hash.digest())) };
			resolve({ name, type, typeGroup, size, encryption, hashes });
		},
		fail: reject,
	});
	return { name: await sha256Hex(name), stream, info };
}

/**
 * Decrypts a file.
 *
 * @param info `encryption` and `hashes` of an attachment, or of the encrypted metadata of an upload
 * @returns the plain bytes. The stream fails at its end with `file-changed` if they do not have the stated hash. **All
 * bytes read from it must be discarded then.** Without a hash, changes are not detected
 * @throws E2EError `malformed` for wrong arguments, and for a stream that has a reader already
 */
export async function decryptFile(
	source: ReadableStream<Uint8Array>,
	info: Pick<FileInfo, 'encryption'> & Partial<Pick<FileInfo, 'hashes'>>,
): Promise<ReadableStream<Bytes>> {
	requireWebCrypto();
	if (!isObject(info) || !isReadable(source)) throw malformed('The file');
	const statedHash = info.hashes?.sha256;
	const isHexSha256 = typeof statedHash === 'string' && /^[0-9a-f]{64}$/i.test(statedHash);
	if (statedHash !== undefined && !isHexSha256) throw malformed('The hash of the file');
	const cipher = await counterMode(info.encryption);
	const hash = sha256.create();
	return convert(source, {
		async convertPiece(data) {
			const plain = await cipher(data);
			hash.update(plain);
			return plain;
		},
		end() {
			if (statedHash === undefined) return;
			if (toHex(new Uint8Array(hash.digest())) === statedHash.toLowerCase()) return;
			throw new E2EError('file-changed', 'The file does not have the hash that its message states');
		},
	});
}

const isReadable = (source: unknown) => source instanceof ReadableStream && !source.locked;

function requireInfo(info: FileInfo): FileInfo {
	if (!isObject<FileInfo>(info) || typeof info.name !== 'string') throw malformed('The information of the file');
	return info;
}

/** The members of a message with a file, for `encryptMessage`. @throws E2EError `malformed` */
export function fileMembers(
	info: FileInfo,
	upload: { readonly _id: string; readonly url: string },
): { attachments: unknown[]; files: unknown[]; file: unknown } {
	const { name, type, typeGroup, size, encryption, hashes } = requireInfo(info);
	if (!isObject(upload)) throw malformed('The upload');
	const { _id, url } = upload;
	const extension = /\.([^.]+)$/.exec(name)?.[1];
	const media = ['image', 'audio', 'video'].includes(typeGroup)
		? { [`${typeGroup}_url`]: url, [`${typeGroup}_type`]: type, [`${typeGroup}_size`]: size }
		: { size, format: extension?.toUpperCase() ?? 'file' };
	const link = { title_link: url, title_link_download: true };
	const file = { _id, name, type, size };
	return { attachments: [{ title: name, type: 'file', ...link, encryption, hashes, ...media }], files: [file], file };
}

/**
 * The metadata of an upload. Encrypted by `encryptContent`, it is the upload's `content`.
 * @throws E2EError `malformed`
 */
export function uploadMetadata(info: FileInfo): Record<string, unknown> {
	const { name, type, typeGroup, encryption, hashes } = requireInfo(info);
	return { type, typeGroup, name, encryption, hashes };
}

/**
 * Returns a function that encrypts or decrypts successive pieces with AES-CTR, in which both are the same operation.
 * All pieces but the last must consist of whole blocks. The counter is the lower 64 bits of the IV.
 */
async function counterMode(encryption: FileEncryption): Promise<(piece: Bytes) => Promise<Bytes>> {
	const webCrypto = subtle();
	if (!isObject(encryption)) throw malformed('The key of the file');
	const { key, iv } = encryption;
	const start = fromBase64(iv, 'The IV of the file');
	if (start.length !== BLOCK || key?.kty !== 'oct') throw malformed('The key of the file');
	const jwk = { kty: 'oct', alg: 'A256CTR', k: key.k };
	const imported: Key = await orMalformed('The key of the file', () =>
		webCrypto.importKey('jwk', jwk, { name: 'AES-CTR', length: 256 }, false, ['encrypt']),
	);
	const counter = start.slice();
	const lowerHalf = new DataView(counter.buffer, 8);
	return async (piece) => {
		const algorithm = { name: 'AES-CTR', counter: counter.slice(), length: 64 };
		const data = new Uint8Array(await webCrypto.encrypt(algorithm, imported, piece));
		const blocks = BigInt(Math.ceil(piece.length / BLOCK));
		lowerHalf.setBigUint64(0, BigInt.asUintN(64, lowerHalf.getBigUint64(0) + blocks));
		return data;
	};
}

interface Conversion {
	convertPiece(piece: Bytes): Bytes | Promise<Bytes>;
	/** Called at the end of the source. If it throws, the resulting stream fails. */
	end(): void;
	/** Called if the source or the conversion fails, or the result is cancelled. */
	fail?(error: unknown): void;
}

/** Converts a source in pieces of `CHUNK` bytes, only as fast as the result is read. */
function convert(source: ReadableStream<Uint8Array>, { convertPiece, end, fail }: Conversion): ReadableStream<Bytes> {
	const reader = source.getReader();
	let buffered = new Uint8Array(0);
	let sourceEnded = false;
	const fill = async () => {
		const parts = [buffered];
		let length = buffered.length;
		while (!sourceEnded && length < CHUNK) {
			const { value, done } = await reader.read();
			if (done) sourceEnded = true;
			else if (!(value instanceof Uint8Array)) throw malformed('The file');
			else {
				parts.push(new Uint8Array(value));
				length += value.length;
			}
		}
		if (parts.length > 1) buffered = concat(parts);
	};
	return new ReadableStream<Bytes>(
		{
			async pull(controller) {
				try {
					await fill();
					// `subarray` does not copy. A source may give a whole file as one part. To copy the rest of it for each
					// piece would be slow.
					const piece = buffered.subarray(0, CHUNK);
					buffered = buffered.subarray(CHUNK);
					if (piece.length > 0) controller.enqueue(await convertPiece(piece));
					if (!sourceEnded || buffered.length > 0) return;
					end();
					controller.close();
				} catch (error) {
					fail?.(error);
					controller.error(error);
					await reader.cancel(error).catch(() => {});
				}
			},
			async cancel(reason) {
				fail?.(new E2EError('malformed', 'The file was not read to its end'));
				await reader.cancel(reason);
			},
		},
		// Read nothing in advance.
		{ highWaterMark: 0 },
	);
}
