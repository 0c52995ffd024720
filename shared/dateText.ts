/** Reads the text of a date. */

/** The time of day and the zone, at the end of the text of a date. */
const TIME_OF_DAY = /[T\s]\d\d?(:\d\d)+.*$/s;

/**
 * The date that a text stands for, in any form that `Date` reads. Undefined for any other text, and for a day that does not
 * exist: `Date` takes 30 February for a day in March.
 */
export function parseDateText(text: string): Date | undefined {
	const date = new Date(text);
	if (Number.isNaN(date.getTime())) return undefined;
	const day = text.replace(TIME_OF_DAY, '');
	// `Date` refuses a day above 31. So a day that does not exist is one of 29 to 31, taken for one of the next three.
	const hasLateDay = (day.match(/\d+/g) ?? []).some((number) => Number(number) >= 29 && Number(number) <= 31);
	return hasLateDay && new Date(`${day} 12:00 UTC`).getUTCDate() <= 3 ? undefined : date;
}
