/** Concurrent logins by token share their queries for users. */
import { expect } from 'chai';
import { addPerson, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

describe('many concurrent logins by token', () => {
	let roomkey: TestRoomkey;
	/** The number of tokens in each query. */
	let sizes: number[];

	beforeEach(async () => {
		roomkey = await openRoomkey();
		sizes = [];
		const { users } = roomkey.store;
		const find = users.find.bind(users);
		const findOne = users.findOne.bind(users);
		const hash = (filter: object) => (filter as Record<string, unknown>)['services.resume.loginTokens.hashedToken'];
		users.find = (filter, options) => {
			const asked = hash(filter) as { $in: string[] } | undefined;
			if (asked) sizes.push(asked.$in.length);
			return find(filter, options);
		};
		users.findOne = (filter, options) => {
			if (hash(filter)) sizes.push(1);
			return findOne(filter, options);
		};
	});
	afterEach(() => roomkey.close());

	const resume = (token: string) =>
		roomkey.callAs({ setUserId: () => {} }, 'login', { resume: token }) as Promise<{ id: string }>;

	async function addPeople(count: number): Promise<Person[]> {
		const people: Person[] = [];
		for (let i = 0; i < count; i++) people.push(await addPerson(roomkey.store));
		return people;
	}

	it('need two queries for all tokens: each login looks its token up twice', async () => {
		const people = await addPeople(50);
		const results = await Promise.all(people.map(({ token }) => resume(token)));
		expect(results.map(({ id }) => id)).to.deep.equal(people.map(({ id }) => id));
		expect(sizes).to.deep.equal([50, 50]);
	});

	it('look up at most 200 tokens in one query', async () => {
		const people = await addPeople(450);
		await Promise.all(people.map(({ token }) => resume(token)));
		expect(Math.max(...sizes)).to.equal(200);
		expect(sizes.reduce((sum, size) => sum + size)).to.equal(900);
	});

	it('fail only for the unknown token in a query', async () => {
		const [first, second] = (await addPeople(2)) as [Person, Person];
		const refused = rejection(resume('unknown'));
		const [one, other] = await Promise.all([resume(first.token), resume(second.token)]);
		expect([one.id, other.id]).to.deep.equal([first.id, second.id]);
		expect(await refused).to.include({ error: 403 });
		expect(sizes[0]).to.equal(3);
	});
});
