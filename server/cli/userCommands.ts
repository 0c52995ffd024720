/** `roomkey user`: lists and changes user accounts. */
import { isBuiltInRole } from '../../methods/model/permissions/roles.js';
import { listOf } from '../../methods/model/storedLists.js';
import { methodErrors, otherErrors } from '../../shared/errorTable.js';
import { OptionError } from '../options/optionError.js';
import { type Admin, RefusedCall } from './admin.js';
import { CommandError, type Input, type Io } from './command.js';
import { printList, printResult } from './print.js';
import { generatePassword, readNewPassword } from './secrets.js';
import { withAdmin } from './target.js';

export interface ListedUser {
	readonly _id: string;
	readonly username?: string;
	readonly name?: string;
	readonly emails?: readonly { readonly address: string }[];
	readonly roles?: readonly string[];
	readonly active?: boolean;
	readonly createdAt?: string;
}

/** Finds a user by name, or else by id. @throws CommandError if there is none */
export async function findUser(admin: Admin, nameOrId: string): Promise<ListedUser> {
	for (const key of ['username', 'userId']) {
		try {
			return (await admin.call<{ user: ListedUser }>('users.info', { [key]: nameOrId })).user;
		} catch (error) {
			if (!(error instanceof RefusedCall && error.is(otherErrors.noSuchUser))) throw error;
		}
	}
	throw new CommandError(`There is no user ${nameOrId}.`);
}

/** Reads or generates a password. A `generated` one is to be printed. */
async function chooseNewPassword(
	input: Input,
	io: Io,
	username: string,
): Promise<{ password: string; generated?: string }> {
	if (!input.isOn('generate-password')) return { password: await readNewPassword(io, username) };
	const generated = generatePassword();
	return { password: generated, generated };
}

/** Prints a generated password on standard output, so that a program can read it. */
function printPassword(io: Io, username: string, generated: string | undefined): void {
	if (generated === undefined) return;
	io.note(`The password of ${username}, which is shown only now:`);
	io.line(generated);
}

/** `user add`. */
export function addUser(input: Input, io: Io): Promise<void> {
	// The first admin can be made before a server has used the folder, but not while a server is using it.
	const makesAdmin = isAdminOnly(input.list('role'));
	return withAdmin(input, io, async (admin) => createUser(admin, input, io), {
		mayCreateFolder: makesAdmin,
		...(makesAdmin && { inUseNote: ' (if there is no admin yet, stop the server first)' }),
	});
}

const isAdminOnly = (roles: readonly string[]) => roles.length === 1 && roles[0] === 'admin';

async function createUser(admin: Admin, input: Input, io: Io): Promise<void> {
	const username = input.argument(0);
	const email = input.flag('email');
	const name = input.flag('name');
	const roles = input.list('role');
	const isFirst = admin.createFirstAdmin !== undefined;
	if (isFirst && !isAdminOnly(roles)) {
		throw new OptionError(
			'there is no admin here yet, so this user must be one: add --role admin and no other role; or name other data with --data or --mongo-url, or a server with --url',
		);
	}
	if (!isFirst && email === undefined) throw new OptionError('give the e-mail address with --email');
	const { password, generated } = await chooseNewPassword(input, io, username);
	const requirePasswordChange = input.isOn('require-password-change') || undefined;
	if (admin.createFirstAdmin) await admin.createFirstAdmin({ username, password, email, name, requirePasswordChange });
	else {
		const fields = { username, email, name: name ?? username, password, ...(roles.length > 0 && { roles }) };
		const args = { ...fields, verified: true, requirePasswordChange };
		await admin.call('users.create', args).catch(async (error) => {
			throw (await unknownRole(admin, roles, error)) ?? error;
		});
	}
	const { _id } = await findUser(admin, username);
	printResult(input, io, { userId: _id, username, ...(generated && { password: generated }) }, () => {
		io.note(isFirst ? `Made the first admin ${username}` : `Made the user ${username}`);
		printPassword(io, username, generated);
	});
}

/** The error for a role that does not exist, or that only members of a room have. */
async function unknownRole(admin: Admin, roles: readonly string[], error: unknown): Promise<CommandError | undefined> {
	if (!(error instanceof RefusedCall && error.is(methodErrors.invalidRole))) return undefined;
	const answer = await admin.call<{ roles: { _id: string; scope?: string }[] }>('roles.list');
	const userRoles = answer.roles.filter(({ scope }) => scope !== 'Subscriptions').map(({ _id }) => _id);
	const isRoomRole = (role: string) => answer.roles.some(({ _id, scope }) => _id === role && scope === 'Subscriptions');
	const wrongRole = roles.find((role) => isRoomRole(role) || (!userRoles.includes(role) && !isBuiltInRole(role)));
	if (wrongRole === undefined) return undefined;
	const fault = isRoomRole(wrongRole)
		? `The role ${wrongRole} is a role in one room and cannot be given to a user`
		: `There is no role ${wrongRole}`;
	return new CommandError(`${fault}. Roles are: ${userRoles.join(', ')}.`);
}

/** `user list`. */
export function listUsers(input: Input, io: Io): Promise<void> {
	return withAdmin(input, io, (admin) =>
		printList<ListedUser>(admin, input, io, {
			method: 'users.list',
			key: 'users',
			titles: ['user', 'name', 'e-mail', 'roles', 'active', 'created', 'id'],
			row: ({ username, name, emails, roles, active, createdAt, _id }) => {
				const addresses = listOf(emails).map((email) => email?.address);
				return [username, name, addresses, roles, active !== false, createdAt, _id];
			},
		}),
	);
}

/** `user roles`. */
export function setRoles(input: Input, io: Io): Promise<void> {
	return withAdmin(input, io, async (admin) => {
		const { _id: userId, username = userId, roles: present } = await findUser(admin, input.argument(0));
		const requested = input.args.slice(1);
		if (requested.length > 0)
			await admin.call('users.update', { userId, data: { roles: requested } }).catch(async (error) => {
				throw (await unknownRole(admin, requested, error)) ?? error;
			});
		const roles = requested.length > 0 ? [...new Set(requested)] : listOf(present);
		printResult(input, io, { userId, username, roles }, () => {
			io.line(
				`${username} ${roles.length === 0 ? 'has no role' : `has ${roles.length === 1 ? 'the role' : 'the roles'} ${roles.join(', ')}`}`,
			);
		});
	});
}

/** `user password`. */
export function setPassword(input: Input, io: Io): Promise<void> {
	return withAdmin(input, io, async (admin) => {
		const { _id: userId, username = userId } = await findUser(admin, input.argument(0));
		const { password, generated } = await chooseNewPassword(input, io, username);
		const requirePasswordChange = input.isOn('require-password-change');
		const data = { password, ...(requirePasswordChange && { requirePasswordChange }) };
		await admin.call('users.update', { userId, data });
		printResult(input, io, { userId, username, ...(generated && { password: generated }) }, () => {
			io.note(`Set the password of ${username}, and revoked all tokens, personal ones too`);
			printPassword(io, username, generated);
		});
	});
}

/** `user activate` and `user deactivate`. */
export function setActive(activeStatus: boolean): (input: Input, io: Io) => Promise<void> {
	return (input, io) =>
		withAdmin(input, io, async (admin) => {
			const { _id: userId, username = userId } = await findUser(admin, input.argument(0));
			const confirmRelinquish = (!activeStatus && input.isOn('confirm-relinquish')) || undefined;
			await admin.call('users.setActiveStatus', { userId, activeStatus, confirmRelinquish });
			printResult(input, io, { userId, username, active: activeStatus }, () =>
				io.line(
					activeStatus ? `Activated ${username}` : `Deactivated ${username}, and revoked all tokens, personal ones too`,
				),
			);
		});
}

/** `user remove`. */
export function removeUser(input: Input, io: Io): Promise<void> {
	return withAdmin(input, io, async (admin) => {
		const { _id: userId, username = userId } = await findUser(admin, input.argument(0));
		await requireYes(input, io, `Delete ${username} with all memberships, keys and tokens?`);
		const confirmRelinquish = input.isOn('confirm-relinquish') || undefined;
		const confirm = input.isOn('confirm-key-loss') || undefined;
		const args = { userId, confirmRelinquish, confirm };
		const answer = await admin.call<{ deletedRooms: string[]; lastKeyHolder?: boolean }>('users.delete', args);
		printResult(input, io, { userId, username, ...answer }, () => {
			io.line(`Deleted ${username}`);
			if (answer.deletedRooms.length > 0)
				io.line(`Deleted rooms, which had no other members: ${answer.deletedRooms.join(', ')}`);
			if (answer.lastKeyHolder) io.note('Nobody holds the key of some rooms any more.');
		});
	});
}

/** @throws CommandError if the operator refuses; OptionError without a terminal */
async function requireYes(input: Input, io: Io, question: string): Promise<void> {
	if (input.isOn('yes')) return;
	if (!io.isInteractive) throw new OptionError('this cannot be undone: confirm with --yes');
	if (!(await io.confirm(question))) throw new CommandError('Nothing was done.');
}
