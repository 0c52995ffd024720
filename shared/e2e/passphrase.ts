/** Passphrases: how to make one, and which of them all clients read in the same way. */
import { type Bytes, latin1, randomBytes, utf8 } from './bytes.js';
import { E2EError } from './error.js';
import { WORDS } from './words.js';

const WORD_COUNT = 12;

/**
 * Makes a passphrase of twelve words out of 2,048, each as likely as any other: 132 bits. All clients read it in the same way.
 */
export function generatePassphrase(): string {
	return Array.from({ length: WORD_COUNT }, () => WORDS[randomBelow(WORDS.length)]).join(' ');
}

/** A random number from 0 to below `count`, at most 65,536. Numbers that would favour some results are thrown away. */
function randomBelow(count: number): number {
	const limit = 65_536 - (65_536 % count);
	for (;;) {
		const [high = 0, low = 0] = randomBytes(2);
		const number = high * 256 + low;
		if (number < limit) return number % count;
	}
}

/**
 * Checks a new passphrase. Throws `empty-passphrase`, and `ambiguous-passphrase` where it has characters beyond ASCII: web
 * takes one byte a character and refuses those beyond U+00FF, phones take UTF-8, so that one of them cannot open the key.
 *
 * @param allowAmbiguous accepts characters beyond ASCII, for a user who has only one kind of client
 */
export function checkPassphrase(passphrase: string, allowAmbiguous = false): void {
	if (typeof passphrase !== 'string') throw new E2EError('malformed', 'The passphrase is no text');
	if (passphrase === '') throw new E2EError('empty-passphrase', 'The passphrase is empty');
	if (!allowAmbiguous && widest(passphrase) > 0x7f) {
		throw new E2EError('ambiguous-passphrase', 'The passphrase has characters that clients read differently');
	}
}

/**
 * The bytes a passphrase may stand for, those it is stored under first: one byte a character as web takes them, or UTF-8 as
 * phones do. They are the same for ASCII.
 */
export function encodings(passphrase: string): Bytes[] {
	const most = widest(passphrase);
	if (most < 0x80 || most > 0xff) return [utf8(passphrase)];
	return [latin1(passphrase), utf8(passphrase)];
}

const widest = (text: string) => Array.from(text, (character) => character.codePointAt(0) ?? 0).reduce(max, 0);
const max = (one: number, other: number) => Math.max(one, other);
