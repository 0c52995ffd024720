/** The pattern of an argument that is a text to search for. */
import { Text } from '../../shared/text.js';

/** Maximum length of the text, in characters. */
const MAX_LENGTH = 254;

export const SearchText = Text({ max: MAX_LENGTH });
