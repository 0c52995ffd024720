import { clientError } from '../../shared/errors.js';

/**
 * The time after which a client asks for changes; undefined if it asks for everything. Clients send nothing or null for
 * that.
 * @throws ClientError `error-updatedSince-param-invalid`
 */
export function dateOf(since: string | Date | null | undefined): Date | undefined {
	if (since === undefined || since === null) return undefined;
	const date = new Date(since);
	if (Number.isNaN(date.getTime())) throw clientError('invalidSince');
	return date;
}
