/** The subcommands of `roomkey`. Each loads its modules only when it runs. */
import type { Command, Flags } from './command.js';
import { copyFlags, DATA_FLAGS, JSON_FLAG, LIST_FLAGS, STORE_FLAGS, TARGET_FLAGS } from './commandFlags.js';

const NEW_PASSWORD = {
	'generate-password': {
		meaning: 'make a password and print it once; otherwise it is asked for or read from standard input',
	},
	'require-password-change': { meaning: 'the user must change the password at the next login' },
} as const satisfies Flags;

const RELINQUISH = {
	'confirm-relinquish': { meaning: 'rooms of which the user is the only owner get a new owner, or are deleted' },
} as const satisfies Flags;

const REPLACE = {
	replace: { meaning: 'replace stored documents whose content differs; otherwise they stay as they are' },
} as const satisfies Flags;

const YES = { yes: { meaning: 'do not ask whether to go on' } } as const satisfies Flags;

const listFlags = { ...LIST_FLAGS, ...TARGET_FLAGS };
const resultFlags = { ...JSON_FLAG, ...TARGET_FLAGS };

const loadUserCommands = () => import('./userCommands.js');
const loadTokenCommands = () => import('./tokenCommands.js');
const loadRoomCommands = () => import('./roomCommands.js');
const loadSettingsCommands = () => import('./settingsCommands.js');
const loadDataCommands = () => import('./dataCommands.js');

export const commands: readonly Command[] = [
	{
		name: 'user add',
		parameters: ['NAME'],
		meaning: 'makes a user; the first one must be given --role admin, and needs no e-mail address',
		flags: {
			email: { placeholder: 'ADDRESS', meaning: 'e-mail address' },
			name: { placeholder: 'TEXT', meaning: 'display name' },
			role: { placeholder: 'ROLE', isList: true, meaning: 'global role, such as admin or bot; user unless given' },
			...NEW_PASSWORD,
			...resultFlags,
		},
		run: async (...args) => (await loadUserCommands()).addUser(...args),
	},
	{
		name: 'user list',
		parameters: [],
		meaning: 'lists the users by name',
		flags: listFlags,
		run: async (...args) => (await loadUserCommands()).listUsers(...args),
	},
	{
		name: 'user password',
		parameters: ['NAME'],
		meaning: 'sets the password of a user, and revokes all tokens of the user, personal ones too',
		flags: { ...NEW_PASSWORD, ...resultFlags },
		run: async (...args) => (await loadUserCommands()).setPassword(...args),
	},
	{
		name: 'user roles',
		parameters: ['NAME', '[ROLE...]'],
		meaning: 'gives a user these global roles in place of the present ones; without a ROLE, prints the present ones',
		flags: resultFlags,
		run: async (...args) => (await loadUserCommands()).setRoles(...args),
	},
	{
		name: 'user activate',
		parameters: ['NAME'],
		meaning: 'lets a deactivated user log in again',
		flags: resultFlags,
		run: async (...args) => (await loadUserCommands()).setActive(true)(...args),
	},
	{
		name: 'user deactivate',
		parameters: ['NAME'],
		meaning: 'revokes all tokens of a user, personal ones too, and refuses new logins',
		flags: { ...RELINQUISH, ...resultFlags },
		run: async (...args) => (await loadUserCommands()).setActive(false)(...args),
	},
	{
		name: 'user remove',
		parameters: ['NAME'],
		meaning: 'deletes a user with all memberships, keys and tokens',
		flags: {
			...YES,
			...RELINQUISH,
			'confirm-key-loss': { meaning: 'go on even if nobody else holds the keys of some rooms' },
			...resultFlags,
		},
		run: async (...args) => (await loadUserCommands()).removeUser(...args),
	},
	{
		name: 'token issue',
		parameters: ['USER'],
		meaning: 'prints a new login token of a user, such as a bot',
		flags: {
			personal: {
				placeholder: 'NAME',
				meaning: 'a personal access token with this name, which never expires; a new password of the user revokes it',
			},
			...resultFlags,
		},
		run: async (...args) => (await loadTokenCommands()).issueToken(...args),
	},
	{
		name: 'token list',
		parameters: ['USER'],
		meaning: 'lists the login tokens of a user, without the tokens themselves',
		flags: listFlags,
		run: async (...args) => (await loadTokenCommands()).listTokens(...args),
	},
	{
		name: 'token revoke',
		parameters: ['USER', '[ID]'],
		meaning:
			'revokes the token with this ID, or with --all all tokens of a user, and closes the connections that use them',
		flags: { all: { meaning: 'all tokens of the user' }, ...resultFlags },
		run: async (...args) => (await loadTokenCommands()).revokeTokens(...args),
	},
	{
		name: 'room list',
		parameters: [],
		meaning: 'lists all rooms by name',
		flags: {
			search: {
				placeholder: 'TEXT',
				meaning: 'only rooms with this text in their name or in a user name of a direct room, or as their id',
			},
			...listFlags,
		},
		run: async (...args) => (await loadRoomCommands()).listRooms(...args),
	},
	{
		name: 'room show',
		parameters: ['ROOM'],
		meaning: 'shows a room, by its id or name',
		flags: resultFlags,
		run: async (...args) => (await loadRoomCommands()).showRoom(...args),
	},
	{
		name: 'room members',
		parameters: ['ROOM'],
		meaning: 'lists the members of a room, and which of them hold its key',
		flags: listFlags,
		run: async (...args) => (await loadRoomCommands()).listMembers(...args),
	},
	{
		name: 'settings list',
		parameters: [],
		meaning: 'lists the settings that can be changed while the server runs',
		flags: listFlags,
		run: async (...args) => (await loadSettingsCommands()).listSettings(...args),
	},
	{
		name: 'settings set',
		parameters: ['SETTING', 'VALUE'],
		meaning: 'changes a setting, with immediate effect',
		flags: resultFlags,
		run: async (...args) => (await loadSettingsCommands()).setSetting(...args),
	},
	{
		name: 'check',
		parameters: [],
		meaning: 'checks the server, the store, its indexes, the settings, the clock and the data folder',
		flags: {
			...JSON_FLAG,
			...STORE_FLAGS,
			url: {
				placeholder: 'URL',
				env: 'ROOMKEY_URL',
				meaning: 'the server to check; unless given, the one on this machine at the port in PORT',
			},
		},
		run: async (...args) => (await import('./checkCommand.js')).check(...args),
	},
	{
		name: 'import',
		parameters: ['FOLDER'],
		usage: '(--data DIR | --mongo-url URL) FOLDER',
		meaning: 'reads a data folder of Roomkey 0.1, or JSON lines as mongoexport writes them',
		flags: { ...REPLACE, ...JSON_FLAG, ...DATA_FLAGS },
		run: async (...args) => (await loadDataCommands()).importData(...args),
	},
	{
		name: 'export',
		parameters: ['FOLDER'],
		usage: '(--data DIR | --mongo-url URL) FOLDER',
		meaning: 'writes JSON lines that mongoimport reads',
		flags: { ...JSON_FLAG, ...DATA_FLAGS },
		run: async (...args) => (await loadDataCommands()).exportData(...args),
	},
	{
		name: 'backup',
		parameters: ['FOLDER'],
		usage: '--data DIR FOLDER',
		meaning: 'copies a data folder, which a server may be using',
		flags: { ...JSON_FLAG, ...copyFlags('mongodump') },
		run: async (...args) => (await loadDataCommands()).backup(...args),
	},
	{
		name: 'restore',
		parameters: ['FOLDER'],
		usage: '--data DIR FOLDER',
		meaning: 'makes a new data folder from a backup',
		flags: { ...JSON_FLAG, ...copyFlags('mongorestore') },
		run: async (...args) => (await loadDataCommands()).restore(...args),
	},
	{
		name: 'completion',
		parameters: ['SHELL'],
		meaning: 'prints the completion for bash, zsh or fish',
		flags: {},
		run: async (input, io) => (await import('./completion.js')).printCompletion(input, io, commands),
	},
];
