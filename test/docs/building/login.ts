import { ClientError, loginHandler } from 'roomkey';

interface Profile {
	readonly sub: string;
	readonly email: string;
}

/** @param verify checks a token of Google, and returns the profile of its user; null for an invalid token */
export const google = (verify: (token: string) => Promise<Profile | null>) =>
	loginHandler('google', async (options, { store }) => {
		if (typeof options.google !== 'string') return undefined;
		const profile = await verify(options.google);
		if (!profile) throw new ClientError(403, 'Google does not know this token');
		const _id = `google-${profile.sub}`;
		if (!(await store.users.findOne({ _id }))) {
			const emails = [{ address: profile.email, verified: true }];
			await store.users.insertOne({ _id, emails, roles: ['user'], active: true, createdAt: new Date() });
		}
		return { userId: _id };
	});
