/** The chapters of the reference, which are the tags of the OpenAPI document. */

/** Chapters, and the names of the methods in each. The first that fits counts. */
export const CHAPTERS: readonly (readonly [title: string, names: RegExp])[] = [
	['Identity keys', /E2EKey$|^e2e\.(fetchMyKeys|setUserPublicAndPrivateKeys|keyHistory)$/],
	['Room keys', /^e2e\.|^stream-notify-room-users$/],
	['The own account', /^(login|logout|createUser|changePassword|me|getNewToken|removeOtherTokens|logoutOtherClients)$/],
	['Users', /^users\.|^getUserRoles$/],
	['Rooms and members', /^(rooms|channels|groups|im|dm|subscriptions)[./]|[rR]oom/],
	['Settings and permissions', /[sS]etting|^permissions/],
	['Others', /./],
];

/** The title of the chapter of a method. */
export const chapterOf = (name: string): string | undefined => CHAPTERS.find(([, names]) => names.test(name))?.[0];
