/** `roomkey room`: shows rooms, their members, and the state of their keys. */
import { listOf } from '../../methods/model/storedLists.js';
import type { Admin } from './admin.js';
import { CommandError, type Input, type Io } from './command.js';
import { printList, printResult } from './print.js';
import { formatFields } from './table.js';
import { withAdmin } from './target.js';

interface ListedRoom {
	readonly _id: string;
	readonly t: string;
	readonly name?: string;
	readonly fname?: string;
	readonly usernames?: readonly string[];
	readonly u?: { readonly username?: string };
	readonly usersCount?: number;
	readonly encrypted?: boolean;
	readonly e2eKeyId?: string | null;
	readonly usersWaitingForE2EKeys?: readonly object[];
	readonly ts?: string;
	readonly _updatedAt?: string;
}

/** Rocket.Chat's types of rooms. */
const TYPES: Readonly<Record<string, string>> = { c: 'channel', p: 'group', d: 'direct', l: 'livechat', v: 'voip' };

/** A direct room has no name, so the user names of its members stand for it. */
const nameOf = ({ name, fname, usernames }: ListedRoom) => name ?? fname ?? (usernames && listOf(usernames).join(', '));

/** `room list`. */
export function listRooms(input: Input, io: Io): Promise<void> {
	return withAdmin(input, io, (admin) =>
		printList<ListedRoom>(admin, input, io, {
			method: 'rooms.adminRooms',
			args: { filter: input.flag('search') },
			key: 'rooms',
			titles: ['room', 'type', 'members', 'encrypted', 'key id', 'waiting', 'id'],
			row: (room) => [
				nameOf(room),
				TYPES[room.t] ?? room.t,
				room.usersCount,
				room.encrypted === true,
				room.e2eKeyId,
				listOf(room.usersWaitingForE2EKeys).length,
				room._id,
			],
		}),
	);
}

/** Finds a room by id, or else by name, or else by display name. @throws CommandError if none or several match */
async function findRoom(admin: Admin, nameOrId: string): Promise<ListedRoom> {
	const rooms: ListedRoom[] = [];
	let page: { rooms: ListedRoom[]; total: number };
	do {
		page = await admin.call('rooms.adminRooms', { filter: nameOrId, count: 100, offset: rooms.length });
		rooms.push(...page.rooms);
	} while (page.rooms.length > 0 && rooms.length < page.total);
	const matches = [
		rooms.filter(({ _id }) => _id === nameOrId),
		rooms.filter((room) => room.name === nameOrId),
		rooms.filter((room) => room.fname === nameOrId),
	];
	const found = matches.find((list) => list.length > 0);
	if (!found) throw new CommandError(`There is no room with the id or the name ${nameOrId}.`);
	if (found.length > 1) throw new CommandError(`Several rooms have the name ${nameOrId}. Use the id.`);
	return found[0] as ListedRoom;
}

/** `room show`. */
export function showRoom(input: Input, io: Io): Promise<void> {
	return withAdmin(input, io, async (admin) => {
		const room = await findRoom(admin, input.argument(0));
		printResult(input, io, room, () =>
			io.line(
				formatFields({
					id: room._id,
					type: TYPES[room.t] ?? room.t,
					name: nameOf(room),
					'created by': room.u?.username,
					created: room.ts,
					changed: room._updatedAt,
					members: room.usersCount,
					encrypted: room.encrypted === true,
					'key id': room.e2eKeyId ?? 'none',
					'waiting for the key': listOf(room.usersWaitingForE2EKeys).length,
				}),
			),
		);
	});
}

interface ListedMember {
	readonly _id: string;
	readonly username?: string;
	readonly roles: readonly string[];
	readonly key: 'held' | 'offered' | 'none';
}

/** `room members`. */
export function listMembers(input: Input, io: Io): Promise<void> {
	return withAdmin(input, io, async (admin) => {
		const { _id: rid } = await findRoom(admin, input.argument(0));
		await printList<ListedMember>(admin, input, io, {
			method: 'rooms.adminRooms.members',
			args: { rid },
			key: 'members',
			titles: ['user', 'roles', 'key', 'id'],
			row: ({ username, roles, key, _id }) => [username, roles, key, _id],
		});
	});
}
