/** The first admin of a server without admins. */
import { expect } from 'chai';
import { makeFirstAdmin } from '../../methods/model/users/firstAdmin.js';
import { addPerson } from '../support/people.js';
import { eachTestWithStore } from '../support/store.js';

describe('the first admin', () => {
	const opened = eachTestWithStore();
	const root = { username: 'root', password: 'secret', email: 'root@example.com' };
	const admins = () => opened.store.users.find({ roles: 'admin' }).toArray();

	it('is made once by many processes that start concurrently', async () => {
		const outcomes = await Promise.all([1, 2, 3, 4].map(() => makeFirstAdmin(opened.store, root)));
		expect(outcomes.filter((outcome) => outcome === 'made')).to.have.length(1);
		expect(outcomes.filter((outcome) => outcome === 'exists')).to.have.length(3);
		expect(await admins()).to.have.length(1);
	});

	it('is not made if there is an admin', async () => {
		await addPerson(opened.store, { roles: ['user', 'admin'] });
		expect(await makeFirstAdmin(opened.store, root)).to.equal('exists');
		expect(await admins()).to.have.length(1);
	});

	it('is made if the only admin is deactivated', async () => {
		await addPerson(opened.store, { roles: ['admin'], active: false });
		expect(await makeFirstAdmin(opened.store, root)).to.equal('made');
	});

	for (const taken of [{ username: 'ROOT' }, { emails: [{ address: 'Root@Example.com', verified: true }] }]) {
		it(`is not made if another user has the name or the e-mail: ${JSON.stringify(taken)}`, async () => {
			await addPerson(opened.store, taken);
			expect(await makeFirstAdmin(opened.store, root)).to.equal('taken');
			expect(await admins()).to.have.length(0);
		});
	}
});
