/** Reads the text of a date. */

/** The time of day and the zone, at the end of the text of a date. */
const TIME_OF_DAY = /[T\s]\d\d?(:\d\d)+.*$/s;

/**
 * The date that a text stands for, in any form that `Date` reads. Undefined for any other text, and for a day that does not
 * exist.
 */
export function parseDateText(text: string): Date | undefined {
	const date = new Date(text);
	if (Number.isNaN(date.getTime())) return undefined;
	const day = text.replace(TIME_OF_DAY, '');
	// `Date` refuses a day above 31. It takes a 29th, 30th or 31st that does not exist for the 1st, 2nd or 3rd of the
	// next month. `noon` has neither the time nor the zone of the text, because these can change the day.
	const noon = new Date(`${day} 12:00 UTC`);
	const numbers = withoutShortYear(Array.from(day.matchAll(/\d+/g), Number), noon.getUTCFullYear());
	const hasLateDay = numbers.some((number) => number >= 29 && number <= 31);
	return hasLateDay && noon.getUTCDate() <= 3 ? undefined : date;
}

/** Removes a year of two digits, such as 29 for 2029, from the numbers of a date: it could be taken for a day. */
function withoutShortYear(numbers: readonly number[], year: number): readonly number[] {
	const i = numbers.includes(year) ? -1 : numbers.lastIndexOf(year % 100);
	return numbers.filter((_, index) => index !== i);
}
