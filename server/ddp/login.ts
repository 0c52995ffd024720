/** The user and the login token of a session. */
export class Login {
	#userId: string | null = null;
	#hashedToken: string | null = null;
	#expires: Date | undefined;
	/** Number of running and waiting calls of methods that change the user. */
	pendingChanges = 0;

	get userId(): string | null {
		return this.#userId;
	}

	get hashedToken(): string | null {
		return this.#hashedToken;
	}

	/** @param expires when the token expires; undefined if it never does */
	set(userId: string | null, hashedToken: string | null, expires: Date | undefined): void {
		this.#userId = userId;
		this.#hashedToken = hashedToken;
		this.#expires = expires;
	}

	/** An invalid date counts as long past. */
	hasExpired(now: number): boolean {
		return this.#expires !== undefined && !(this.#expires.getTime() > now);
	}
}
