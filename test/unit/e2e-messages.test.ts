/** `roomkey/e2e`: whole messages, as the server stores them. */
import { expect } from 'chai';
import * as e2e from 'roomkey/e2e';
import { codeOf } from '../clients/e2e/suite.js';

describe('messages in roomkey/e2e', () => {
	it('can have a megabyte of text in every format', async () => {
		const text = 'ü'.repeat(500_000);
		for (const format of e2e.FORMATS) {
			const key = await e2e.makeRoomKey(format);
			expect(await e2e.decryptText(await e2e.encryptText(text, key, format), [key])).to.equal(text);
		}
	});

	it('are refused if their content is nested more than 200 deep', async () => {
		const key = await e2e.makeRoomKey();
		const nest = (wrap: (inner: unknown) => unknown, depth: number) => {
			let value: unknown = 'x';
			for (let i = 0; i < depth; i++) value = wrap(value);
			return { attachments: value as unknown[] };
		};
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

	it('have no text if they have only a file; an empty text stays empty', async () => {
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

	it('are not encrypted again, unless they were decrypted before', async () => {
		for (const format of e2e.FORMATS) {
			const key = await e2e.makeRoomKey(format);
			const encrypted = await e2e.encryptMessage({ rid: 'r', msg: 'text' }, key, { format });
			const { content, t, e2e: state } = encrypted;
			for (const message of [encrypted, { content }, { t, e2e: state, msg: 'ciphertext' }, { t, msg: 'ciphertext' }]) {
				expect(await codeOf(() => e2e.encryptMessage(message, key, { format }))).to.equal('malformed');
			}
			const edited = { ...(await e2e.decryptMessage(encrypted, [key])), msg: 'edited' };
			const again = await e2e.encryptMessage(edited, key, { format });
			expect(await e2e.decryptMessage(again, [key])).to.deep.equal(edited);
		}
	});

	it('are refused if they falsely claim to be decrypted; plain ones stay unchanged', async () => {
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

	it('open with the present key, else with an old one, if their key id is unknown', async () => {
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
