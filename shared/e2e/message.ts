/** Encrypts and decrypts whole messages. The server sees a message whose content is encrypted. */
import { isObject } from './bytes.js';
import { type Content, decryptContent, type EncryptedContent, encryptContent, encryptV1Text } from './content.js';
import { E2EError, malformed, requireOptions } from './error.js';
import type { Format } from './formats.js';
import type { RoomKey } from './room-key.js';

/** The encrypted members of a message. Quotes are among the attachments. */
const SECRET_MEMBERS = ['msg', 'attachments', 'files', 'file'] as const;

/** Other members that clients show as text. Never encrypted, so anyone can have written them. */
const UNENCRYPTED_MEMBERS = [
	...['md', 'html', 'blocks', 'urls', 'location', 'translations'],
	...['mentions', 'channels', 'e2eMentions'],
];

/** A message for Rocket.Chat's `sendMessage`. */
export interface Message {
	readonly _id?: string;
	readonly rid?: string;
	readonly msg?: string;
	readonly attachments?: readonly unknown[];
	readonly files?: readonly unknown[];
	readonly file?: unknown;
	readonly [member: string]: unknown;
}

/** A message as stored on the server. */
export interface EncryptedMessage {
	readonly t: 'e2e';
	readonly e2e: 'pending';
	readonly content: EncryptedContent;
	/** In legacy messages: the text again, for Rocket.Chat's web client before 6.10. */
	readonly msg?: string;
	readonly [member: string]: unknown;
}

export interface MessageOptions {
	/**
	 * Default: the format of the key. `legacy` writes the text twice: in `content`, and in `msg` for Rocket.Chat's web
	 * client before 6.10.
	 */
	readonly format?: Format;
	/** The sender, for a legacy `msg`. */
	readonly userId?: string;
	/**
	 * Adds `e2eMentions`, the **unencrypted** names of people and rooms in the text, for notifications by Rocket.Chat
	 * (`E2E_Enabled_Mentions`). Default false.
	 */
	readonly mentions?: boolean;
}

/**
 * Encrypts `msg`, `attachments`, `files` and `file` into `content`. All other members stay readable.
 *
 * @throws E2EError as `encryptContent` does; `malformed` for a message that is encrypted already
 */
export async function encryptMessage(
	message: Message,
	roomKey: RoomKey,
	options: MessageOptions = {},
): Promise<EncryptedMessage> {
	const { format, userId, mentions = false } = requireOptions(options);
	if (!isObject(message) || (message.msg !== undefined && typeof message.msg !== 'string')) {
		throw malformed('The message');
	}
	// Another encryption would overwrite `content`. A message from `decryptMessage` has none.
	if (message.content !== undefined || (message.t === 'e2e' && message.e2e !== 'done')) {
		throw new E2EError('malformed', 'The message is already encrypted');
	}
	const isSecret = ([name]: [string, unknown]) => (SECRET_MEMBERS as readonly string[]).includes(name);
	const entries = Object.entries(message);
	const secret = Object.fromEntries(entries.filter(isSecret));
	const rest = Object.fromEntries(entries.filter((entry) => !isSecret(entry)));
	const content = await encryptContent(secret, roomKey, format);
	const { msg } = message;
	const writesLegacyMsg = format === 'legacy' && msg !== undefined;
	return {
		...rest,
		...(mentions && msg !== undefined && { e2eMentions: mentionsIn(msg) }),
		...(writesLegacyMsg && {
			msg: await encryptV1Text({ _id: message._id, text: msg, userId, ts: new Date() }, roomKey),
		}),
		content,
		t: 'e2e',
		e2e: 'pending',
	};
}

/**
 * Decrypts a message. A message that is not encrypted is returned unchanged.
 *
 * `msg`, `attachments`, `files` and `file` come only from the content. The content's other members are ignored: with
 * them a sender could replace the sender's name, unseen by the server. Unencrypted members that clients show as text,
 * such as `md`, are left out.
 *
 * @returns the message with `e2e: 'done'` and without `content`. A message with only a file has no `msg`
 * @throws E2EError as `decryptContent` does; `malformed` for a message that claims `e2e: 'done'` and has no content
 */
export async function decryptMessage(message: Message, keys: Iterable<RoomKey>): Promise<Message> {
	if (!isObject(message)) throw malformed('The message');
	const { content, msg, t, e2e } = message as Record<string, unknown>;
	if (t !== 'e2e' && e2e !== 'done') return message;
	const decrypted = await decryptContent((content ?? msg) as EncryptedContent | string, keys);
	// Some clients write `text` instead of `msg`.
	const text = [decrypted.msg, decrypted.text].find((value) => typeof value === 'string');
	const members: Content = { ...decrypted, msg: text };
	const present = SECRET_MEMBERS.filter((name) => members[name] !== undefined);
	const untrusted: readonly string[] = ['content', ...SECRET_MEMBERS, ...UNENCRYPTED_MEMBERS];
	return {
		...Object.fromEntries(Object.entries(message).filter(([name]) => !untrusted.includes(name))),
		...Object.fromEntries(present.map((name) => [name, members[name]])),
		e2e: 'done',
	};
}

/**
 * The people (`@`) and rooms (`#`) that a text mentions, for `e2eMentions`.
 * @throws E2EError `malformed` if the text is no string
 */
export function mentionsIn(text: string): { e2eUserMentions: string[]; e2eChannelMentions: string[] } {
	if (typeof text !== 'string') throw malformed('The text');
	const namesAfter = (sign: string) => {
		// A name may have a server after `@` or `:`.
		const pattern = new RegExp(`(?<=^|[\\s>])${sign}[0-9a-zA-Z._-]+(?:[@:][0-9a-zA-Z._-]+)*`, 'gm');
		return text.match(pattern) ?? [];
	};
	return { e2eUserMentions: namesAfter('@'), e2eChannelMentions: namesAfter('#') };
}
