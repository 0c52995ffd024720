/** Generates and checks passphrases. */
import { type Bytes, latin1, randomBytes, utf8 } from './bytes.js';
import { E2EError } from './error.js';
import { WORDS } from './words.js';

const WORD_COUNT = 12;

/** Generates a passphrase of twelve random words out of 2,048 (132 bits). */
export function generatePassphrase(): string {
	return Array.from({ length: WORD_COUNT }, () => WORDS[randomBelow(WORDS.length)]).join(' ');
}

/** An unbiased random number below `count`, which is at most 65,536. */
function randomBelow(count: number): number {
	// Larger numbers are discarded: they would make some results more frequent.
	const limit = 65_536 - (65_536 % count);
	for (;;) {
		const [high = 0, low = 0] = randomBytes(2);
		const random = high * 256 + low;
		if (random < limit) return random % count;
	}
}

/**
 * Checks a new passphrase. Only ASCII works in all clients. Rocket.Chat's web client encodes each character as one
 * byte, its phone apps encode UTF-8.
 *
 * @param allowAmbiguous accepts other characters, for a user with only one kind of client
 * @throws E2EError `malformed` if it is not a string; `empty-passphrase`; `ambiguous-passphrase` if it is not ASCII
 */
export function checkPassphrase(passphrase: string, allowAmbiguous = false): void {
	if (typeof passphrase !== 'string') throw new E2EError('malformed', 'The passphrase is not a string');
	if (passphrase === '') throw new E2EError('empty-passphrase', 'The passphrase is empty');
	if (!allowAmbiguous && !isAscii(passphrase)) {
		throw new E2EError('ambiguous-passphrase', 'The passphrase has characters that clients encode differently');
	}
}

/** The encodings of a passphrase in clients. New keys are wrapped with the first. */
export function encodings(passphrase: string): [Bytes, ...Bytes[]] {
	const isAboveLatin1 = /[^\0-\xff]/.test(passphrase);
	const hasOneEncoding = isAscii(passphrase) || isAboveLatin1;
	return hasOneEncoding ? [utf8(passphrase)] : [latin1(passphrase), utf8(passphrase)];
}

const isAscii = (text: string) => !/[^\0-\x7f]/.test(text);
