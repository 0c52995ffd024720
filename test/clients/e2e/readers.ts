/** How each of Rocket.Chat's clients reads what others write. `docs/e2e.md` names the source of the rules. */
import { createDecipheriv, createPrivateKey, type JsonWebKey, pbkdf2Sync, privateDecrypt } from 'node:crypto';

interface Rules {
	readonly client: string;
	readonly readsV2: boolean;
	/** The encoding of a passphrase. With `latin1`, the client refuses characters beyond one byte. */
	readonly passphrase: 'latin1' | 'utf8';
	/**
	 * Whether the client opens the last 344 characters of a sealed key, 256 bytes in base64. Otherwise it skips the first
	 * twelve, the key id of `v1` and `legacy`.
	 */
	readonly countsFromEnd: boolean;
	/** The key id in use: `e2eKeyId` of the room, the beginning of the sealed key, or made from the key. */
	readonly keyId: 'room' | 'seal' | 'made';
	/** Whether the client tries the present room key where a message names another key. */
	readonly triesPresentKey: boolean;
	/** Whether the client reads `content`. Otherwise it reads only `msg`. */
	readonly readsContent: boolean;
	readonly readsFiles: boolean;
}

const RULES: readonly Rules[] = [
	{
		client: 'web 8.x',
		readsV2: true,
		passphrase: 'latin1',
		countsFromEnd: true,
		keyId: 'room',
		triesPresentKey: true,
		readsContent: true,
		readsFiles: true,
	},
	{
		client: 'phone 4.72',
		readsV2: true,
		passphrase: 'utf8',
		countsFromEnd: true,
		keyId: 'seal',
		triesPresentKey: false,
		readsContent: true,
		readsFiles: true,
	},
	{
		client: 'web 7.x',
		readsV2: false,
		passphrase: 'latin1',
		countsFromEnd: false,
		keyId: 'room',
		triesPresentKey: true,
		readsContent: true,
		readsFiles: true,
	},
	{
		client: 'web 6.14',
		readsV2: false,
		passphrase: 'latin1',
		countsFromEnd: false,
		keyId: 'made',
		triesPresentKey: false,
		readsContent: true,
		readsFiles: true,
	},
	{
		client: 'web 5.0',
		readsV2: false,
		passphrase: 'latin1',
		countsFromEnd: false,
		keyId: 'made',
		triesPresentKey: false,
		readsContent: false,
		readsFiles: false,
	},
];

/** A room key that a client has opened. */
export interface HeldKey {
	readonly id: string;
	readonly alg: string;
	readonly k: Buffer;
}

export interface EncryptedMessageLike {
	readonly t?: unknown;
	readonly msg?: unknown;
	readonly content?: unknown;
}

/** Reads as one client does. A method throws an error or returns undefined if that client cannot read. */
export class Reader {
	readonly client: string;

	constructor(private readonly rules: Rules) {
		this.client = rules.client;
	}

	privateKey(stored: string, passphrase: string, userId: string): JsonWebKey {
		const { readsV2, passphrase: encoding } = this.rules;
		if (encoding === 'latin1' && /[^\0-\xff]/.test(passphrase)) throw new Error('refuses the passphrase');
		const secret = Buffer.from(passphrase, encoding);
		const json = JSON.parse(stored);
		if (json.$binary) {
			const bytes = Buffer.from(json.$binary, 'base64');
			const key = pbkdf2Sync(secret, userId, 1000, 32, 'sha256');
			return JSON.parse(decrypt('aes-256-cbc', key, bytes.subarray(0, 16), bytes.subarray(16)).toString('latin1'));
		}
		if (!readsV2) throw new Error('knows no v2');
		const key = pbkdf2Sync(secret, json.salt, json.iterations, 32, 'sha256');
		const [iv, data] = [Buffer.from(json.iv, 'base64'), Buffer.from(json.ciphertext, 'base64')];
		return JSON.parse(decrypt('aes-256-gcm', key, iv, data).toString('latin1'));
	}

	/** The room key in `E2EKey`. */
	async roomKey(sealed: string, roomKeyId: string, privateKey: JsonWebKey): Promise<HeldKey> {
		const { countsFromEnd, readsV2, keyId } = this.rules;
		const cut = countsFromEnd ? sealed.length - 344 : 12;
		const data = Buffer.from(sealed.slice(cut), 'base64');
		const key = createPrivateKey({ key: privateKey, format: 'jwk' });
		const text = privateDecrypt({ key, oaepHash: 'sha256' }, data).toString('latin1');
		const { alg, k } = JSON.parse(text);
		if (alg !== 'A128CBC' && !(readsV2 && alg === 'A256GCM')) throw new Error(`does not support keys for ${alg}`);
		const ids = { room: roomKeyId, seal: sealed.slice(0, cut), made: btoa(text).slice(0, 12) };
		return { id: ids[keyId], alg, k: Buffer.from(k, 'base64url') };
	}

	content({ t, msg, content }: EncryptedMessageLike, key: HeldKey): Record<string, unknown> | undefined {
		if (t !== 'e2e') return undefined;
		const { readsContent } = this.rules;
		const source = readsContent ? (content ?? msg) : msg;
		return source === undefined ? undefined : this.open(source, key);
	}

	text(message: EncryptedMessageLike, key: HeldKey): string | undefined {
		const content = this.content(message, key);
		const text = this.rules.readsContent ? (content?.msg ?? content?.text) : content?.text;
		return typeof text === 'string' ? text : undefined;
	}

	file(bytes: Uint8Array, metadata: unknown, roomKey: HeldKey): Buffer | undefined {
		if (!this.rules.readsFiles) return undefined;
		const info = this.open(metadata, roomKey) as { encryption: { key: { k: string }; iv: string } } | undefined;
		if (!info) return undefined;
		const { key, iv } = info.encryption;
		const decipher = createDecipheriv('aes-256-ctr', Buffer.from(key.k, 'base64url'), Buffer.from(iv, 'base64'));
		return Buffer.concat([decipher.update(bytes), decipher.final()]);
	}

	private open(source: unknown, key: HeldKey): Record<string, unknown> | undefined {
		try {
			const { id, iv, data } = this.parts(source);
			if (id !== key.id && !this.rules.triesPresentKey) return undefined;
			const cipher = key.alg === 'A256GCM' ? 'aes-256-gcm' : 'aes-128-cbc';
			return JSON.parse(decrypt(cipher, key.k, iv, data).toString('utf8'));
		} catch {
			return undefined;
		}
	}

	private parts(source: unknown): { id: string; iv: Buffer; data: Buffer } {
		const { algorithm, kid, iv, ciphertext } = source as Record<string, string>;
		if (algorithm === 'rc.v2.aes-sha2') {
			if (!this.rules.readsV2) throw new Error('knows no v2');
			return { id: kid ?? '', iv: Buffer.from(iv ?? '', 'base64'), data: Buffer.from(ciphertext ?? '', 'base64') };
		}
		const text = typeof source === 'string' ? source : (ciphertext ?? '');
		const bytes = Buffer.from(text.slice(12), 'base64');
		return { id: text.slice(0, 12), iv: bytes.subarray(0, 16), data: bytes.subarray(16) };
	}
}

export const readers: readonly Reader[] = RULES.map((rules) => new Reader(rules));

function decrypt(cipher: 'aes-256-gcm' | 'aes-256-cbc' | 'aes-128-cbc', key: Buffer, iv: Buffer, data: Buffer): Buffer {
	if (cipher === 'aes-256-gcm') {
		const decipher = createDecipheriv(cipher, key, iv);
		decipher.setAuthTag(data.subarray(-16));
		return Buffer.concat([decipher.update(data.subarray(0, -16)), decipher.final()]);
	}
	const decipher = createDecipheriv(cipher, key, iv);
	return Buffer.concat([decipher.update(data), decipher.final()]);
}
