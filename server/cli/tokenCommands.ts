/** `roomkey token`: login tokens of users. */
import { OptionError } from '../options/optionError.js';
import type { Input, Io } from './command.js';
import { printList, printResult } from './print.js';
import { withAdmin } from './target.js';
import { findUser } from './userCommands.js';

/** `token issue`. */
export function issueToken(input: Input, io: Io): Promise<void> {
	return withAdmin(input, io, async (admin) => {
		const { _id: userId, username = userId } = await findUser(admin, input.argument(0));
		const args = { userId, name: input.flag('personal') };
		const { data } = await admin.call<{ data: { authToken: string; expires?: string } }>('users.createToken', args);
		printResult(input, io, { username, ...data }, () => {
			const until = data.expires ? `, valid until ${data.expires}` : ', which never expires';
			io.note(`A token of ${username} (user id ${userId})${until}. It is shown only now:`);
			io.line(data.authToken);
		});
	});
}

interface ListedToken {
	readonly id: string;
	readonly type: string;
	readonly name?: string;
	readonly created?: string;
	readonly expires?: string;
}

/** `token list`. */
export function listTokens(input: Input, io: Io): Promise<void> {
	return withAdmin(input, io, async (admin) => {
		const { _id: userId } = await findUser(admin, input.argument(0));
		await printList<ListedToken>(admin, input, io, {
			method: 'users.listTokens',
			args: { userId },
			key: 'tokens',
			titles: ['id', 'type', 'name', 'created', 'expires'],
			row: ({ id, type, name, created, expires }) => [id, type, name, created, expires ?? 'never'],
		});
	});
}

/** `token revoke`. */
export function revokeTokens(input: Input, io: Io): Promise<void> {
	return withAdmin(input, io, async (admin) => {
		const tokenId = input.args[1];
		const hasId = tokenId !== undefined;
		if (hasId === input.isOn('all')) throw new OptionError("name one ID from 'token list', or give --all");
		const { _id: userId, username = userId } = await findUser(admin, input.argument(0));
		const { revoked } = await admin.call<{ revoked: number }>('users.revokeTokens', { userId, tokenId });
		printResult(input, io, { userId, username, revoked }, () =>
			io.line(`Revoked ${revoked} ${revoked === 1 ? 'token' : 'tokens'} of ${username}`),
		);
	});
}
