/** The pattern of an argument that is a text to search for. */
import { Match } from '../../shared/match.js';

/** Maximum length of the text, in characters. */
const MAX_LENGTH = 254;

export const SearchText = Match.Where(
	(text): text is string => typeof text === 'string' && text.length <= MAX_LENGTH,
	'text of at most 254 characters',
	{ type: 'string', maxLength: MAX_LENGTH },
);
