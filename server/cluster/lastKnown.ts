/** The fields of a removed document that are kept for its subscribers. */
import { Match } from '../../shared/match.js';
import { isId } from '../../shared/values.js';

/** The fields that subscribers of a removed document receive, or that determine who its subscribers are. */
export const KNOWN_FIELDS = ['rid', 'u', 't', 'name'] as const;

/** A removed document, with those of `KNOWN_FIELDS` that are known. */
export interface LastKnown extends Record<string, unknown> {
	readonly _id: string;
	readonly u?: { readonly _id: string; readonly username?: unknown };
}

const UserRef = Match.ObjectIncluding({ _id: Match.Where(isId) });

/** Selects those of `KNOWN_FIELDS` that a document has with the right type. */
export function lastKnown(document: { readonly _id: string }): LastKnown {
	const { _id, rid, u, t, name } = document as LastKnown;
	const texts = Object.entries({ rid, t, name }).filter(([, value]) => typeof value === 'string');
	return { _id, ...Object.fromEntries(texts), ...(Match.test(u, UserRef) && { u }) };
}
