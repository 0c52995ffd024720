/** Tables and lists for people. */
import Table from 'cli-table3';

const NO_LINES = Object.fromEntries(
	['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left']
		.concat(['left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'])
		.map((name) => [name, '']),
);

const STYLE = { head: [], border: [], 'padding-left': 0, 'padding-right': 2 };

/** Characters that would control the terminal or change the direction of the text. */
const CONTROL = /\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A value as people read it. Control characters become spaces. */
export function formatCell(value: unknown): string {
	if (value === undefined || value === null) return '';
	if (Array.isArray(value)) return value.map(formatCell).join(', ');
	if (typeof value === 'boolean') return value ? 'yes' : 'no';
	if (typeof value === 'object') return JSON.stringify(value).replace(CONTROL, ' ');
	return String(value)
		.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d{3}Z$/, '$1 $2 UTC')
		.replace(CONTROL, ' ');
}

function render(table: Table.Table): string {
	return table
		.toString()
		.split('\n')
		.map((line) => line.trimEnd())
		.join('\n');
}

export function formatTable(titles: readonly string[], rows: readonly (readonly unknown[])[]): string {
	const table = new Table({ head: titles.map((title) => title.toUpperCase()), chars: NO_LINES, style: STYLE });
	table.push(...rows.map((row) => row.map(formatCell)));
	return render(table);
}

/** Formats named values, one a line, without undefined values. */
export function formatFields(fields: Readonly<Record<string, unknown>>): string {
	const table = new Table({ chars: NO_LINES, style: STYLE });
	const present = Object.entries(fields).filter(([, value]) => value !== undefined);
	table.push(...present.map(([name, value]) => [name, formatCell(value)]));
	return render(table);
}
