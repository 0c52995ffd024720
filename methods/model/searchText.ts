/** The pattern of an argument that is a text to search for. */
import { Text } from '../../shared/text.js';

/** In characters: as long as the longest name of a user. */
const MAX_LENGTH = 254;

export const SearchText = Text({ max: MAX_LENGTH });
