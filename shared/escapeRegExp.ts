/** The source of a regular expression that matches exactly this text. MongoDB refuses a source with a NUL character. */
export const escapeRegExp = (text: string): string =>
	text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&').replaceAll('\0', '\\x00');
