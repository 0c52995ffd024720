/** The chapters of methods in `docs/methods.md` and at `/api-docs`, which are also tags of OpenAPI. */

/** A method belongs to the first chapter whose pattern matches its name. */
export const CHAPTERS: readonly (readonly [title: string, names: RegExp])[] = [
	['Identity keys', /E2EKey$|^e2e\.(fetchMyKeys|setUserPublicAndPrivateKeys|keyHistory)$/],
	['Room keys', /^e2e\.|^stream-notify-room-users$/],
	[
		"The caller's account",
		/^(login|logout|createUser|changePassword|me|getNewToken|removeOtherTokens|logoutOtherClients)$/,
	],
	['Users', /^users\.|^getUserRoles$/],
	['Rooms and members', /^(rooms|channels|groups|im|dm|subscriptions)[./]|[rR]oom/],
	['Settings and permissions', /[sS]etting|^permissions/],
	// Matches every name.
	['Others', /^/],
];

/** The title of the chapter of a method. */
export function chapterOf(name: string): string {
	const [title] = CHAPTERS.find(([, names]) => names.test(name)) as (typeof CHAPTERS)[number];
	return title;
}
