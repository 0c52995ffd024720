/** Reads what the shadow mode needs from a mirrored request, and from the answer of its replay. */
import type { IncomingHttpHeaders } from 'node:http';

/** Maximum number of ids taken from a request. */
const MAX_IDS = 100;

/** The form of the ids of users and rooms. The id of a direct room consists of two user ids. */
const DOCUMENT_ID = /^[\w-]{1,64}$/;

/** The possible ids of users and rooms in a request: its caller, and the texts and names in its body. */
export function idsIn(body: Buffer, { 'x-user-id': userId }: IncomingHttpHeaders): string[] {
	const ids = new Set<string>();
	const add = (text: unknown) => {
		if (typeof text === 'string' && ids.size < MAX_IDS && DOCUMENT_ID.test(text)) ids.add(text);
		return text;
	};
	add(userId);
	try {
		JSON.parse(body.toString(), function (this: unknown, name, value) {
			// In a list, the name is an index.
			if (!Array.isArray(this)) add(name);
			return add(value);
		});
	} catch {
		// The replay answers that the body is no JSON.
	}
	return [...ids];
}

/** Reads a body to its end. @param limit maximum size in bytes. @returns undefined for a body that is larger */
export async function readBody(payload: AsyncIterable<Buffer>, limit: number): Promise<Buffer | undefined> {
	const chunks: Buffer[] = [];
	let length = 0;
	for await (const chunk of payload) {
		length += chunk.length;
		if (length <= limit) chunks.push(chunk);
	}
	return length > limit ? undefined : Buffer.concat(chunks);
}

/** The `errorType` of an error answer, if it has one. */
export function errorTypeOf({ statusCode, body }: { statusCode: number; body: string }): { errorType?: string } {
	if (statusCode < 400) return {};
	const { errorType } = JSON.parse(body) as { errorType?: unknown };
	return typeof errorType === 'string' ? { errorType } : {};
}
