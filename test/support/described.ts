/** The servers whose messages are checked against the OpenAPI and AsyncAPI documents, and the differences found. */

/** For each checked port: whether its server has a publication without a name, which AsyncAPI does not describe. */
const ports = new Map<number, boolean>();

/** Begins to check the messages of the server at a port. */
export function checkPort(port: number, publications: readonly { readonly name: string | null }[] = []): void {
	ports.set(
		port,
		publications.some(({ name }) => name === null),
	);
}

/** Stops checking the messages at a port, which another server may get. */
export function uncheckPort(port: number): void {
	ports.delete(port);
}

export function isChecked(port: number | undefined): boolean {
	return port !== undefined && ports.has(port);
}

/** Whether the server at a port has a publication without a name. */
export function sendsUndescribed(port: number): boolean {
	return ports.get(port) === true;
}

const found = new Set<string>();

export function report(violation: string): void {
	found.add(violation);
}

/** Returns the differences that were found, and forgets them. */
export function takeReports(): string[] {
	const all = [...found];
	found.clear();
	return all;
}
