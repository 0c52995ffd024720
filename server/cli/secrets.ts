/** Passwords are typed without echo, read from standard input, or generated. They are never on the command line. */
import { randomBytes } from 'node:crypto';
import { CommandError, type Io } from './command.js';

/** Reads a password. @throws CommandError if there is none */
export async function readPassword(io: Io, prompt: string): Promise<string> {
	const secret = await io.readSecret(prompt);
	if (secret.trim() === '') throw new CommandError('A password must not be empty.');
	return secret;
}

/** Reads a new password. A terminal asks for it twice. @throws CommandError if the two passwords differ */
export async function readNewPassword(io: Io, username: string): Promise<string> {
	const password = await readPassword(io, `New password of ${username}: `);
	if (io.isInteractive && (await io.readSecret('The same again: ')) !== password)
		throw new CommandError('The two passwords differ.');
	return password;
}

/** Makes a password of 120 random bits. Its characters can be typed, and need no quotes in a shell. */
export function generatePassword(): string {
	return randomBytes(15).toString('base64url');
}
