/** The servers whose messages are checked against the documents, and what was not as described. */

/** Whether the server at a port sends documents to all clients that the document does not describe. */
const ports = new Map<number, boolean>();

/** Messages of the server at this port are checked from now on. */
export function checkPort(port: number, publications: readonly { readonly name: string | null }[] = []): void {
	ports.set(
		port,
		publications.some(({ name }) => name === null),
	);
}

/** Messages at this port are not checked any more: its server is closed, and another one may get the port. */
export function uncheckPort(port: number): void {
	ports.delete(port);
}

export function isDescribed(port: number | undefined): boolean {
	return port !== undefined && ports.has(port);
}

/** Whether clients of the server at this port receive documents that are not described. */
export function isForeign(port: number): boolean {
	return ports.get(port) === true;
}

const found = new Set<string>();

export function report(violation: string): void {
	found.add(violation);
}

/** What has been found, which is then forgotten. */
export function takeReports(): string[] {
	const all = [...found];
	found.clear();
	return all;
}
