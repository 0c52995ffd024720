import { parseDateText } from '../../shared/dateText.js';
import { clientError } from '../../shared/errors.js';

/**
 * The time since which a client asks for changes. Undefined if it asks for all documents.
 * @throws ClientError `error-updatedSince-param-invalid` for an invalid date
 */
export function parseSince(since: string | Date | null | undefined): Date | undefined {
	if (since === undefined || since === null) return undefined;
	const date = typeof since === 'string' ? parseDateText(since) : since;
	if (date === undefined || Number.isNaN(date.getTime())) throw clientError('invalidSince');
	return date;
}
