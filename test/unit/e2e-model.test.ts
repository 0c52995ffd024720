/** A model test: five people act at random in three rooms, and the process may end at any write. */
import fc from 'fast-check';
import type { Subscription } from '../../shared/documents.js';
import { publicKey } from '../support/keys.js';
import type { Person } from '../support/people.js';
import { repetitions } from '../support/repetitions.js';
import { type Call, World } from '../support/world.js';

const RUNS = repetitions({ ci: 200, local: 80, mongo: 3 });

const ACTIONS = [
	'identity',
	'new identity',
	'key id',
	'set or get key id',
	'own key',
	'offer',
	'provide',
	'accept',
	'reject',
	'return',
	'reset room',
	'reset own',
	'join',
	'leave',
	'kick',
	'switch off',
	'switch on',
	'delete',
] as const;

const step = fc.record({
	// Actions before `reject` come more often. Most later ones remove keys and members, so rooms would soon be empty.
	action: fc.oneof(fc.constantFrom(...ACTIONS), fc.constantFrom(...ACTIONS.slice(0, ACTIONS.indexOf('reject')))),
	by: fc.nat(4),
	to: fc.nat(4),
	room: fc.nat(2),
	// `lost`: the answer is lost, so the call is repeated. `crashAfter`: the process ends after so many writes. `again`:
	// the interrupted call is then repeated.
	how: fc.oneof(
		{ weight: 3, arbitrary: fc.constant({}) },
		{ weight: 1, arbitrary: fc.constant({ lost: true }) },
		{ weight: 2, arbitrary: fc.record({ crashAfter: fc.nat(6), again: fc.boolean() }) },
	),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Makes unique texts in the form of sealed keys. */
function keyMaker(): (keyId: string) => string {
	let made = 0;
	return (keyId) => `${keyId}${String(made++).padStart(342, 'A')}==`;
}

/** Whether an action needs an offered key, a key or the role of an owner, and this membership has it. */
function hasWhatIsNeeded(action: Step['action'], { E2EKey, E2ESuggestedKey, roles }: Subscription): boolean {
	if (action === 'accept' || action === 'reject') return E2ESuggestedKey !== undefined;
	if (action === 'offer' || action === 'provide' || action === 'return') return E2EKey !== undefined;
	return (
		['reset room', 'join', 'kick', 'switch on', 'switch off'].includes(action) && roles?.includes('owner') === true
	);
}

/** The call that the `n`th step makes. Undefined for most deletions, so that few people are deleted. */
async function callOf(world: World, { action, by, to, room }: Step, n: number, sealed: (keyId: string) => string) {
	const rid = world.rooms[room] as string;
	// People whose call can succeed come first. Most random calls would be refused.
	const able = await world.membersWith(rid, (membership) => hasWhatIsNeeded(action, membership));
	const caller = [...able, ...world.people][by] as Person;
	const other = world.people[to] as Person;
	const keyId = (await world.room(rid))?.e2eKeyId ?? 'none';
	const call = (name: string, args: Call['args'], more: Partial<Call> = {}): Call => ({
		by: caller,
		name,
		args,
		...more,
	});
	const pair = (force: boolean) => ({
		public_key: publicKey(`${by} ${n}`),
		private_key: `secret of ${by} ${n}`,
		force,
	});
	switch (action) {
		case 'identity':
			return call('e2e.setUserPublicAndPrivateKeys', pair(false));
		case 'new identity':
			return call('e2e.setUserPublicAndPrivateKeys', pair(true));
		case 'key id':
			return call('e2e.setRoomKeyID', { rid, keyID: `key-${n}` }, { newKeyId: `key-${n}` });
		case 'set or get key id': {
			const key = sealed(`key-${n}`);
			const isMember = (await world.membership(rid, caller)) !== null;
			return call(
				'e2e.setOrGetRoomKeyID',
				{ rid, keyID: `key-${n}`, key },
				{ newKeyId: `key-${n}`, ...(isMember && { storesKey: { rid, key } }) },
			);
		}
		case 'own key': {
			const key = sealed(keyId);
			const isMember = (await world.membership(rid, caller)) !== null;
			return call('e2e.updateGroupKey', { rid, uid: caller.id, key }, isMember ? { storesKey: { rid, key } } : {});
		}
		case 'offer':
			return call('e2e.updateGroupKey', { rid, uid: other.id, key: sealed(keyId) });
		case 'provide': {
			const entry = { _id: other.id, key: sealed(keyId) };
			return call('e2e.provideUsersSuggestedGroupKeys', { usersSuggestedGroupKeys: { [rid]: [entry] } });
		}
		case 'accept':
			return call('e2e.acceptSuggestedGroupKey', { rid }, { accepts: rid });
		case 'reject':
			return call('e2e.rejectSuggestedGroupKey', { rid });
		case 'return':
			return call('e2e.returnRoomKey', { rid });
		case 'reset room': {
			const key = sealed(`reset-${n}`);
			const args = { rid, e2eKey: key, e2eKeyId: `reset-${n}` };
			return call('e2e.resetRoomKey', args, { newKeyId: `reset-${n}`, storesKey: { rid, key } });
		}
		case 'reset own':
			return call('e2e.resetOwnE2EKey', {});
		case 'join':
			return call('groups.invite', { roomId: rid, userId: other.id });
		case 'leave':
			return call('groups.leave', { roomId: rid });
		case 'kick':
			return call('groups.kick', { roomId: rid, userId: other.id });
		case 'switch off':
			return call('groups.setEncrypted', { roomId: rid, encrypted: false });
		case 'switch on':
			return call('groups.setEncrypted', { roomId: rid, encrypted: true });
		case 'delete':
			return to === 4 ? { ...call('users.delete', { userId: caller.id }), by: world.admin } : undefined;
	}
}

describe('the whole key service, at random', () => {
	it('loses no acknowledged key, keeps key ids and queues right, and every room usable', async () => {
		await fc.assert(
			fc.asyncProperty(fc.boolean(), fc.array(step, { maxLength: 40, size: 'max' }), async (roomsHaveKeys, steps) => {
				const world = await World.open();
				const sealed = keyMaker();
				try {
					// `revive` checks that each encrypted room can be used, and gives its key to all members.
					if (roomsHaveKeys) await world.revive(sealed);
					for (const [n, one] of steps.entries()) {
						const call = await callOf(world, one, n, sealed);
						if (call) await world.make(call, one.how);
					}
					await world.revive(sealed);
				} finally {
					await world.close();
				}
			}),
			{ numRuns: RUNS },
		);
	});
});
