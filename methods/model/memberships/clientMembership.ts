/** The part of a membership that its member may see. */
import type { Subscription } from '../../../shared/documents.js';

/** A membership, or a part of it, without the fields that are internal to the server. */
export function clientMembership<P extends Partial<Subscription>>(
	membership: P,
): Omit<P, 'departures' | 'e2eKnownKeys'> {
	const { departures, e2eKnownKeys, ...visible } = membership;
	return visible;
}
