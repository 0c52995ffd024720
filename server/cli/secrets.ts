/** Reads and generates passwords. They are never on the command line. */
import { randomBytes } from 'node:crypto';
import { CommandError, type Io } from './command.js';

/** @throws CommandError for an empty password */
export async function readPassword(io: Io, prompt: string): Promise<string> {
	const secret = await io.readSecret(prompt);
	if (secret.trim() === '') throw new CommandError('A password must not be empty.');
	return secret;
}

/** A terminal asks twice. @throws CommandError if the two passwords differ */
export async function readNewPassword(io: Io, username: string): Promise<string> {
	const password = await readPassword(io, `New password of ${username}: `);
	if (io.isInteractive && (await io.readSecret('The same again: ')) !== password)
		throw new CommandError('The two passwords differ.');
	return password;
}

/** Makes a password of 120 random bits. It needs no quotes in a shell. */
export function generatePassword(): string {
	return randomBytes(15).toString('base64url');
}
