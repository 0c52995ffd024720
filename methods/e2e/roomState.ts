/** `e2e.roomState` (`test/contract/beyond.md` E2): what a room needs to work, and who could help. */
import type { Room, Subscription } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { requireRoomAccess } from '../rooms/access.js';
import { MEMBER, placesOf } from '../rooms/members.js';
import { isEncryptionShown } from '../rooms/shown.js';
import { activeUserIds } from './holders.js';
import { usersWithIdentity } from './identities.js';
import { KEY_CALLS } from './limits.js';
import { awaitsDecision, holdsKey } from './offers.js';

/** Members told of in one answer: if nothing is said, and at most. */
const USUAL_COUNT = 50;
const MAX_COUNT = 500;

/** How a member stands to the key of the room; `inactive`: may not log in, whatever they hold. */
type MemberState = 'holder' | 'offered' | 'waiting' | 'no-identity-key' | 'inactive';

interface Member {
	readonly _id: string;
	readonly username: string | undefined;
	readonly state: MemberState;
}

const FIELDS = { 'u.username': 1, E2EKey: 1, E2ESuggestedKey: 1 } as const;

const WholeNumber = Match.Where((value): value is number => Number.isSafeInteger(value) && (value as number) >= 0);

export const roomState = method({
	name: 'e2e.roomState',
	args: { rid: String, count: Match.Optional(WholeNumber), offset: Match.Optional(WholeNumber) },
	rest: 'GET',
	limit: KEY_CALLS,
	parallel: true,
	summary: 'Tells members of a room who holds its key, who is offered it, who waits for it and who cannot be given it',
	async run({ rid, count = USUAL_COUNT, offset = 0 }, { name, userId, store }) {
		const room = await requireRoomAccess(store, rid, userId, name);
		const own = await store.subscriptions.findOne({ rid, 'u._id': userId, ...MEMBER }, { projection: { _id: 1 } });
		if (!own) throw clientError('invalidRoom', { method: name });
		const numbers = { holder: 0, offered: 0, waiting: 0, 'no-identity-key': 0, inactive: 0 };
		const members: Member[] = [];
		const wanted = Math.min(count, MAX_COUNT);
		let total = 0;
		for await (const page of membersOf(store, room)) {
			for (const member of page) {
				numbers[member.state]++;
				if (total++ >= offset && members.length < wanted) members.push(member);
			}
		}
		return {
			rid,
			...describe(room, await isEncryptionShown(store)),
			hasHolder: numbers.holder > 0,
			holders: numbers.holder,
			offered: numbers.offered,
			waiting: numbers.waiting,
			withoutIdentityKey: numbers['no-identity-key'],
			inactive: numbers.inactive,
			members,
			count: members.length,
			offset,
			total,
		};
	},
});

/** What there is to say of the room itself; nothing where encryption is switched off (E13). A key id of null: it has no key. */
function describe({ encrypted = false, e2eKeyId, e2eToggled, e2eStale }: Room, isOn: boolean) {
	if (!isOn) return {};
	return {
		encrypted,
		keyID: e2eKeyId || null,
		...(e2eToggled && { toggled: e2eToggled }),
		...(e2eStale && { stale: e2eStale }),
	};
}

/** All members in pages, in the order of their ids. */
async function* membersOf(store: Store, room: Room): AsyncIterable<Member[]> {
	for await (const page of placesOf(store, room._id, MEMBER, FIELDS)) {
		const userIds = page.map(({ u }) => u._id);
		const [active, able] = await Promise.all([activeUserIds(store, userIds), usersWithIdentity(store, userIds)]);
		yield page.map((place) => {
			const { _id, username } = place.u;
			return { _id, username, state: active.has(_id) ? stateOf(place, room, able.has(_id)) : 'inactive' };
		});
	}
}

function stateOf(place: Subscription, room: Room, hasIdentity: boolean): MemberState {
	if (holdsKey(place, room)) return 'holder';
	if (awaitsDecision(place, room)) return 'offered';
	return hasIdentity ? 'waiting' : 'no-identity-key';
}
