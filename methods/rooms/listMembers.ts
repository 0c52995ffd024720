/** `channels.members`, `groups.members`: the members of a room, in pages. */

import type { User } from '../../shared/documents.js';
import { Match } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import { READ_DEFAULTS } from '../methodDefaults.js';
import { PAGE_ANSWER, UserAnswer } from '../model/answers.js';
import { userRefOf } from '../model/lifecycle/addMember.js';
import { MEMBER } from '../model/memberships/members.js';
import { pagesOf } from '../model/pages.js';
import { type ListPage, Page, type PageArgs, pageAnswer, pageOfList, pageRange } from '../model/paging.js';
import { findRoom, forChannelsAndGroups, ROOM_ARGS, ROOM_ARGS_ERRORS } from '../model/rooms/findRoom.js';
import { SearchText } from '../model/searchText.js';

const MEMBER_FIELDS = { username: 1, name: 1 } as const;

/** The fields that Rocket.Chat searches by default. */
const SEARCHED_FIELDS = ['username', 'name', 'bio', 'nickname'] as const;

type Context = Pick<MethodContext, 'store' | 'signal'>;
type Member = Pick<User, '_id' | 'username' | 'name'>;

async function findMembers({ store }: Context, rid: string, args: PageArgs): Promise<ListPage<Member>> {
	const { count, offset } = pageRange(args);
	const whereMember = { rid, ...MEMBER };
	const sort = { 'u.username': 1, _id: 1 } as const;
	const options = { projection: { 'u._id': 1 }, sort, skip: offset, limit: count } as const;
	const memberships = await store.subscriptions.find(whereMember, options).toArray();
	const ids = memberships.map(({ u }) => u._id);
	const users = await store.users.find({ _id: { $in: ids } }, { projection: MEMBER_FIELDS }).toArray();
	const byId = new Map(users.map((user) => [user._id, user]));
	const entries = ids.flatMap((id) => byId.get(id) ?? []);
	return { entries, offset, total: await store.subscriptions.countDocuments(whereMember) };
}

async function searchMembers(context: Context, rid: string, text: string): Promise<Member[]> {
	const { store, signal } = context;
	const lowerCaseText = text.toLowerCase();
	const found: Member[] = [];
	const options = { key: 'u._id', projection: { rid: 1 }, signal } as const;
	for await (const page of pagesOf(store.subscriptions, { rid, ...MEMBER }, options)) {
		const inPage = { _id: { $in: page.map(({ u }) => u._id) } };
		const projection = { ...MEMBER_FIELDS, bio: 1, nickname: 1 } as const;
		for await (const user of store.users.find(inPage, { projection })) {
			const matches = SEARCHED_FIELDS.some((field) => user[field]?.toLowerCase().includes(lowerCaseText));
			if (matches) found.push(userRefOf(user));
		}
	}
	const nameOf = ({ username = '' }: Member) => username;
	return found.sort((first, second) => (nameOf(first) < nameOf(second) ? -1 : 1));
}

export const memberMethods = forChannelsAndGroups((kind) =>
	method({
		name: `${kind.plural}.members`,
		args: { ...ROOM_ARGS, ...Page, filter: Match.Optional(SearchText) },
		...READ_DEFAULTS,
		summary: `Lists the members of a ${kind.single}, sorted by user name, in pages; with a filter only those who have this text in their names, bio or nickname`,
		returns: { members: [UserAnswer], ...PAGE_ANSWER },
		errors: [...ROOM_ARGS_ERRORS],
		async run({ filter, ...args }, context) {
			const { _id: rid } = await findRoom(context, args, kind);
			const page = filter
				? pageOfList(await searchMembers(context, rid, filter), args)
				: await findMembers(context, rid, args);
			return pageAnswer('members', page);
		},
	}),
);
