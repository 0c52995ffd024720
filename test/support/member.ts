/** A member of encrypted rooms, who sends only encrypted keys and messages, as a client does. */
import {
	decryptText,
	type EncryptedContent,
	encryptText,
	type Format,
	type Key,
	makeIdentity,
	makeRoomKey,
	openRoomKey,
	publicKeyOf,
	type RoomKey,
	sealedKeyId,
	sealRoomKey,
	unwrapPrivateKey,
	wrapPrivateKey,
} from 'roomkey/e2e';
import type { TransportClient, Wire } from './transports.js';

export class Member {
	/** Texts that the server must never store. */
	readonly secrets: string[];

	/**
	 * The present key id of each room, as far as this member knows. Memberships with another key id are ignored, because
	 * outdated ones may arrive late over DDP.
	 */
	private readonly keyIds = new Map<string, string>();

	private unwrapped: Promise<Key> | undefined;

	constructor(
		readonly client: TransportClient,
		readonly passphrase: string,
		private readonly format: Format,
	) {
		this.secrets = [passphrase];
	}

	get id(): string {
		return this.client.id;
	}

	async makeIdentity(): Promise<void> {
		const { publicKey, privateKey } = await makeIdentity();
		const { d, p, q, dp, dq, qi } = await crypto.subtle.exportKey('jwk', privateKey);
		this.secrets.push(...[d, p, q, dp, dq, qi].map(String));
		await this.client.call('e2e.setUserPublicAndPrivateKeys', {
			public_key: publicKey,
			private_key: await wrapPrivateKey(privateKey, this.passphrase, this.id, this.format, {
				// Few rounds, because `attacker.ts` tries every stored text as the passphrase.
				rounds: this.format === 'v2' ? 100_000 : undefined,
			}),
		});
	}

	/** Fetches and decrypts the private key, as a device that has only the passphrase. */
	private async unwrap(): Promise<Key> {
		const { public_key, private_key } = await this.client.call('e2e.fetchMyKeys');
		const privateKey = await unwrapPrivateKey(private_key, this.passphrase, this.id);
		if ((await publicKeyOf(privateKey)) !== public_key) throw new Error('that is not my public key');
		return privateKey;
	}

	private privateKey(): Promise<Key> {
		this.unwrapped ??= this.unwrap();
		return this.unwrapped;
	}

	private async newKey(rid: string): Promise<{ id: string; sealed: string }> {
		const key = await makeRoomKey(this.format);
		this.keyIds.set(rid, key.id);
		this.secrets.push(JSON.parse(key.jwk).k);
		return { id: key.id, sealed: await sealRoomKey(key, await publicKeyOf(await this.privateKey())) };
	}

	/** Gives a room its first key, and stores that key for this member. */
	async keyRoom(rid: string): Promise<void> {
		const { id, sealed } = await this.newKey(rid);
		await this.client.call('e2e.setRoomKeyID', { rid, keyID: id });
		await this.client.call('e2e.updateGroupKey', { rid, uid: this.id, key: sealed });
	}

	async resetRoom(rid: string): Promise<void> {
		const { id, sealed } = await this.newKey(rid);
		await this.client.call('e2e.resetRoomKey', { rid, e2eKey: sealed, e2eKeyId: id });
	}

	/** Accepts the offered key. Throws if this member cannot decrypt it. */
	async accept(rid: string): Promise<void> {
		const isNew = (sealed?: string) => sealed !== undefined && sealedKeyId(sealed) !== this.keyIds.get(rid);
		const { E2ESuggestedKey } = await this.client.membership(rid, (membership) => isNew(membership.E2ESuggestedKey));
		const { id } = await openRoomKey(E2ESuggestedKey, await this.privateKey());
		this.keyIds.set(rid, id);
		await this.client.call('e2e.acceptSuggestedGroupKey', { rid });
	}

	private async keys(rid: string): Promise<{ current: RoomKey; former: { key: RoomKey; ts: unknown }[] }> {
		const membership = await this.client.membership(rid, ({ E2EKey }) => E2EKey?.startsWith(this.keyIds.get(rid)));
		const privateKey = await this.privateKey();
		const former = (membership.oldRoomKeys ?? []).map(async ({ E2EKey, ts }: Wire) => ({
			key: await openRoomKey(E2EKey, privateKey),
			ts,
		}));
		return { current: await openRoomKey(membership.E2EKey, privateKey), former: await Promise.all(former) };
	}

	/** Offers the key to members who have none: in v1 by a call for each; in v2 by one call, with the former keys. */
	async serve(rid: string): Promise<void> {
		const { current, former } = await this.keys(rid);
		if (this.format === 'v1') {
			const { users } = await this.client.call('e2e.getUsersOfRoomWithoutKey', { rid });
			for (const { _id, e2e } of users) {
				const key = await sealRoomKey(current, e2e.public_key);
				await this.client.call('e2e.updateGroupKey', { rid, uid: _id, key });
			}
			return;
		}
		const { usersWaitingForE2EKeys } = await this.client.call('e2e.fetchUsersWaitingForGroupKey', { roomIds: [rid] });
		const offers = usersWaitingForE2EKeys[rid].map(async ({ _id, public_key }: Wire) => ({
			_id,
			key: await sealRoomKey(current, public_key),
			oldKeys: await Promise.all(
				former.map(async ({ key, ts }) => ({ e2eKeyId: key.id, ts, E2EKey: await sealRoomKey(key, public_key) })),
			),
		}));
		const usersSuggestedGroupKeys = { [rid]: await Promise.all(offers) };
		await this.client.call('e2e.provideUsersSuggestedGroupKeys', { usersSuggestedGroupKeys });
	}

	async write(rid: string, text: string): Promise<EncryptedContent> {
		this.secrets.push(text);
		return encryptText(text, (await this.keys(rid)).current);
	}

	async read(rid: string, content: EncryptedContent): Promise<string> {
		const { current, former } = await this.keys(rid);
		return decryptText(content, [current, ...former.map(({ key }) => key)]);
	}
}
