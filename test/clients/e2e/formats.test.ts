/** Makes and checks the table of `docs/e2e.md`: which of Rocket.Chat's clients reads which format. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import * as e2e from 'roomkey/e2e';
import { type Reader, readers } from './readers.js';
import { bytesOf, drain, streamOf, type Vector, type Vectors } from './suite.js';

const DOCS = 'docs/e2e.md';
const START = '<!-- table of formats: made by test/clients/e2e/formats.test.ts with UPDATE_DOCS=1 -->\n';
const END = '<!-- end of the table -->';

const { clients, recipient } = JSON.parse(readFileSync('test/clients/e2e/vectors.json', 'utf8')) as Vectors;
/** All clients of the vectors have this user id and this passphrase. */
const { userId, passphrase } = recipient;
const TEXT = 'Grüße, мир 🗝';
const FILE = new TextEncoder().encode('the bytes of a file');

/** The clients that read each format. `web 7.x` is 7.0 to 7.12. Later versions also read `v2`. */
const READS: Record<e2e.Format, readonly string[]> = {
	v2: ['web 8.x', 'phone 4.72'],
	v1: ['web 8.x', 'phone 4.72', 'web 7.x'],
	legacy: ['web 8.x', 'phone 4.72', 'web 7.x', 'web 6.14', 'web 5.0'],
};
/** A private key is stored in the same form in `legacy` and in `v1`. */
const READS_PRIVATE_KEY = { ...READS, v1: READS.legacy };
/** Encrypted files came with 6.10. */
const READS_FILE = { ...READS, legacy: READS.legacy.filter((client) => client !== 'web 5.0') };

async function succeeds(run: () => Promise<boolean>): Promise<boolean> {
	return run().catch(() => false);
}

interface Row {
	readonly title: string;
	readonly expected: readonly string[];
	reads(reader: Reader): Promise<boolean>;
}

describe('The table of formats in docs/e2e.md', () => {
	const rows: Row[] = [];
	const keyOf = (row: Row, { client }: Reader) => `${row.title} ${client}`;
	/** Whether a client could read what a row names, by `keyOf`. */
	const outcomes = new Map<string, boolean>();

	const readByUs: Row = {
		title: 'keys, messages and files of the client, read by `roomkey/e2e`',
		expected: readers.map(({ client }) => client),
		async reads({ client }) {
			for (const vector of clients.filter((vector) => vector.client.startsWith(client))) await readAll(vector);
			return true;
		},
	};
	rows.push(readByUs);
	for (const format of e2e.FORMATS) {
		rows.push({
			title: `our private key, \`${format}\``,
			expected: READS_PRIVATE_KEY[format],
			async reads(reader) {
				const { publicKey, privateKey } = await e2e.makeIdentity(format);
				const stored = await e2e.wrapPrivateKey(privateKey, passphrase, userId, format);
				const { n, e } = reader.privateKey(stored, passphrase, userId);
				return e2e.sameKey(JSON.stringify({ kty: 'RSA', n, e }), publicKey);
			},
		});
	}
	for (const format of e2e.FORMATS) {
		rows.push({
			title: `our room key and messages, \`${format}\``,
			expected: READS[format],
			async reads(reader) {
				const { held, key } = await roomKeyFor(reader, format);
				const message = await e2e.encryptMessage({ _id: 'm', rid: 'r', msg: TEXT }, key, { format, userId });
				return reader.text(message, held) === TEXT;
			},
		});
	}
	for (const format of e2e.FORMATS) {
		rows.push({
			title: `our file, \`${format}\``,
			expected: READS_FILE[format],
			async reads(reader) {
				const { held, key } = await roomKeyFor(reader, format);
				const { stream, info } = await e2e.encryptFile(streamOf(FILE), { name: 'notes.txt' });
				const bytes = await drain(stream);
				const metadata = await e2e.encryptContent(e2e.uploadMetadata(await info), key, format);
				return reader.file(bytes, metadata, held)?.equals(FILE) ?? false;
			},
		});
	}

	for (const row of rows) {
		for (const reader of readers) {
			const isExpected = row.expected.includes(reader.client);
			it(`says ${isExpected ? 'yes' : 'no'} for ${reader.client}: ${row.title}`, async () => {
				const hasRead = await succeeds(() => row.reads(reader));
				outcomes.set(keyOf(row, reader), hasRead);
				expect(hasRead).to.equal(isExpected);
			});
		}
	}

	it('shows the outcomes of these tests', () => {
		const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
		const table = [
			line(['What', ...readers.map(({ client }) => client)]),
			line(['What', ...readers].map(() => '---')),
			...rows.map((row) =>
				line([row.title, ...readers.map((reader) => (outcomes.get(keyOf(row, reader)) ? 'yes' : 'no'))]),
			),
		].join('');
		const docs = readFileSync(DOCS, 'utf8');
		const [from, to] = [docs.indexOf(START), docs.indexOf(END)];
		expect(from, 'the docs have a place for the table').to.be.greaterThan(0);
		expect(outcomes.size, 'cells that were tested').to.equal(rows.length * readers.length);
		if (process.env.UPDATE_DOCS) writeFileSync(DOCS, docs.slice(0, from) + START + table + docs.slice(to));
		expect(readFileSync(DOCS, 'utf8')).to.include(START + table + END);
	});

	it('comes from readers that read what the real clients wrote', async () => {
		for (const { client, roomKey, messages, file, private_key, format } of clients) {
			const reader = readers.find((reader) => client === reader.client);
			// A phone on an older server follows the same rules, and has no reader of its own.
			if (!reader) continue;
			const privateKey = reader.privateKey(private_key, passphrase, userId);
			const key = await reader.roomKey(roomKey.own, roomKey.id, privateKey);
			for (const { text, encrypted } of messages) expect(reader.text(encrypted, key), format).to.equal(text);
			if (file) {
				const plain = reader.file(bytesOf(file.data), file.metadata, key);
				expect(plain).to.deep.equal(Buffer.from(file.plain, 'base64'));
			}
		}
	});

	/** @returns a new room key, and the same key as the reader has opened it */
	async function roomKeyFor(reader: Reader, format: e2e.Format) {
		const key = await e2e.makeRoomKey(format);
		const privateKey = reader.privateKey(recipient.private_key, passphrase, userId);
		const sealed = await e2e.sealRoomKey(key, recipient.public_key);
		return { key, held: await reader.roomKey(sealed, key.id, privateKey) };
	}

	/** Reads a vector with `roomkey/e2e`. */
	async function readAll({ private_key, roomKey, messages, contents, file }: Vector): Promise<void> {
		const privateKey = await e2e.unwrapPrivateKey(private_key, passphrase, userId);
		const key = await e2e.openRoomKey(roomKey.own, privateKey);
		for (const { text, encrypted } of messages) expect((await e2e.decryptMessage(encrypted, [key])).msg).to.equal(text);
		for (const { encrypted } of contents) await e2e.decryptContent(encrypted, [key]);
		if (!file) return;
		const info = (await e2e.decryptContent(file.metadata, [key])) as unknown as e2e.FileInfo;
		const plain = await drain(await e2e.decryptFile(streamOf(bytesOf(file.data)), info));
		expect(plain).to.deep.equal(bytesOf(file.plain));
	}
});
