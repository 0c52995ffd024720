/** `e2e.roomState` (`contract/beyond.md` E2): what a room needs to work, and who could help. */
import type { Room, Subscription } from '../../shared/documents.js';
import { refusal } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { demandRoomAccess } from '../rooms/access.js';
import { MEMBER, placesOf } from '../rooms/members.js';
import { isEncryptionShown } from '../rooms/shown.js';
import { thoseWithIdentity } from './identities.js';
import { KEY_CALLS } from './limits.js';
import { isOfKeyId } from './sealed.js';

/** Members told of in one answer: if nothing is said, and at most. */
const USUAL_COUNT = 50;
const MOST = 500;

/** How a member stands to the key of the room. */
type MemberState = 'holder' | 'offered' | 'waiting' | 'no-identity-key';

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
		const room = await demandRoomAccess(store, rid, userId, name);
		const own = await store.subscriptions.findOne({ rid, 'u._id': userId, ...MEMBER }, { projection: { _id: 1 } });
		if (!own) throw refusal('invalidRoom', { method: name });
		const numbers = { holder: 0, offered: 0, waiting: 0, 'no-identity-key': 0 };
		const members: Member[] = [];
		const wanted = Math.min(count, MOST);
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
async function* membersOf(store: Store, { _id, e2eKeyId }: Room): AsyncIterable<Member[]> {
	for await (const page of placesOf(store, _id, MEMBER, FIELDS)) {
		const able = await thoseWithIdentity(
			store,
			page.map(({ u }) => u._id),
		);
		yield page.map((place) => ({
			_id: place.u._id,
			username: place.u.username,
			state: stateOf(place, e2eKeyId, able.has(place.u._id)),
		}));
	}
}

function stateOf(
	{ E2EKey, E2ESuggestedKey }: Subscription,
	keyId: Room['e2eKeyId'],
	hasIdentity: boolean,
): MemberState {
	if (E2EKey !== undefined && isOfKeyId(E2EKey, keyId)) return 'holder';
	if (E2ESuggestedKey !== undefined && isOfKeyId(E2ESuggestedKey, keyId)) return 'offered';
	return hasIdentity ? 'waiting' : 'no-identity-key';
}
