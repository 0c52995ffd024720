/** Makes one entry for each method, publication, stream and type. An entry gets its content when it is first opened. */
import { methodConsole, subscriptionConsole } from './console.js';
import { el } from './elements.js';
import { typeLines, typeText } from './typeText.js';

/** Names of the types that have an entry. */
const typeNames = new Set();

/** Maximum length of a type on one line, in characters. */
const MAX_LINE_LENGTH = 60;

/** A type as code, with links to other types. @param prefix text before the type */
function typeCode(schema, prefix = '') {
	const line = typeText(schema);
	const isLong = line.length > MAX_LINE_LENGTH;
	// Splits at capitalized words, and keeps these as parts.
	const parts = (isLong ? typeLines(schema) : line).split(/\b([A-Z]\w+)\b/);
	const linkedParts = parts.map((part) => (typeNames.has(part) ? el('a', { href: `#type-${part}` }, part) : part));
	return el('code', { class: isLong && 'long' }, prefix, ...linkedParts);
}

/** A question mark shows that an argument is optional. */
const nameText = ({ name, optional }) => `${name}${optional ? '?' : ''}: `;

function limitText({ calls, per, countedBy }) {
	const time = per === 60_000 ? 'per minute' : `in ${per / 1000} seconds`;
	return `${calls.toLocaleString('en')} ${time} of each ${countedBy}`;
}

const factRow = (title, ...content) => [el('dt', {}, title), el('dd', {}, ...content)];

function factRows(channel) {
	const limits = channel['x-limits'] ?? [];
	const timeout = channel['x-timeout-ms'];
	return [
		...factRow('For', channel['x-anonymous'] ? 'anyone' : 'users who are logged in'),
		...(limits.length > 0 ? factRow('Limit', limits.map(limitText).join('; ')) : []),
		...(timeout ? factRow('Time limit', `${timeout / 1000} seconds`) : []),
		...(channel['x-idempotent'] ? factRow('Repeated', 'a repeated call gets the first answer') : []),
		...(channel['x-second-factor'] ? factRow('Second factor', 'may be asked for') : []),
		...(channel['x-audit'] ? factRow('Log', 'every call is an audit event') : []),
	];
}

function argumentRows(args) {
	if (args.length === 0) return [];
	const items = args.map((arg) => el('li', {}, typeCode(arg.schema, nameText(arg))));
	return factRow('Arguments', el('ul', {}, ...items));
}

/** A call as text, such as `name(first, second?)`. */
const signature = (name, args) =>
	`${name}(${args.map((arg) => (arg.optional ? `${arg.name}?` : arg.name)).join(', ')})`;

function errorRows(errors) {
	if (errors.length === 0) return [];
	const items = errors.map(({ code, reasons }) =>
		el('li', {}, el('code', {}, String(code)), ` ${reasons.join(' / ')}`),
	);
	return factRow('Errors', el('ul', { class: 'errors' }, ...items));
}

function answerRow(channel) {
	const answer = channel['x-answer'];
	if (!answer) return factRow('Answer', 'none');
	return factRow('Answer', typeCode(answer), ...(channel['x-answer-optional'] ? [', or none'] : []));
}

function methodBody(channel) {
	const { 'x-name': name, 'x-arguments': args, 'x-rest': rest, 'x-errors': errors } = channel;
	return [
		el(
			'dl',
			{},
			...factRow('DDP', el('code', {}, signature(name, args))),
			...(rest ? factRow('REST', el('code', {}, `${rest.verb} ${rest.path}`)) : []),
			...argumentRows(args),
			...answerRow(channel),
			...factRows(channel),
			...errorRows(errors),
		),
		methodConsole({ name, arguments: args, rest, hasSecondFactor: channel['x-second-factor'] === true }),
	];
}

function publicationBody(channel) {
	const { 'x-name': name, 'x-arguments': args, 'x-documents': documents } = channel;
	const items = Object.entries(documents).map(([key, schema]) => el('li', {}, typeCode(schema, `${key}: `)));
	return [
		el(
			'dl',
			{},
			...(name ? factRow('DDP', el('code', {}, signature(name, args))) : []),
			...argumentRows(args),
			...factRow('Documents', items.length > 0 ? el('ul', {}, ...items) : 'none'),
			...factRows(channel),
		),
		...(name ? [subscriptionConsole({ name, arguments: args })] : []),
	];
}

function eventItem({ 'x-event': name, 'x-arguments': args, summary }) {
	const items = args.map((arg) => el('li', {}, typeCode(arg.schema, nameText(arg))));
	const list = items.length > 0 ? el('ul', {}, ...items) : undefined;
	return el('li', {}, el('code', {}, name), ` ${summary}`, list);
}

function streamBody(channel) {
	const name = channel['x-name'];
	const events = Object.values(channel.messages).filter((message) => message['x-event']);
	const eventName = {
		name: 'event name',
		optional: false,
		schema: { type: 'string' },
		example: events[0]?.['x-event'] ?? '<id>',
	};
	return [
		el(
			'dl',
			{},
			...factRow('DDP', el('code', {}, `${name}(event name)`)),
			...factRow('Events', events.length > 0 ? el('ul', {}, ...events.map(eventItem)) : 'none'),
		),
		subscriptionConsole({ name, arguments: [eventName], collection: name }),
	];
}

function searchText(title, summary, channel) {
	const args = (channel['x-arguments'] ?? []).map(({ name }) => name);
	const events = Object.values(channel.messages ?? {}).map((message) => message['x-event'] ?? '');
	return [
		title,
		summary,
		channel['x-rest']?.path,
		...args,
		...events,
		...(channel['x-errors'] ?? []).map(({ code }) => code),
	]
		.join(' ')
		.toLowerCase();
}

function makeEntry({ id, title, summary, channel = {}, makeBody }) {
	const details = /** @type {HTMLDetailsElement} */ (
		el('details', { id, class: 'entry' }, el('summary', {}, el('h3', {}, title), el('span', {}, summary)))
	);
	details.addEventListener('toggle', () => {
		const isEmpty = details.childElementCount === 1;
		if (details.open && isEmpty) details.append(el('div', { class: 'body' }, ...makeBody()));
	});
	return { id, title, element: details, text: searchText(title, summary, channel) };
}

/**
 * The chapters of the reference.
 * @returns {{title: string, entries: {id: string, title: string, element: HTMLDetailsElement, text: string}[]}[]}
 */
export function chaptersOf(document) {
	const channels = Object.entries(document.channels);
	const schemas = Object.entries(document.components.schemas);
	for (const [name] of schemas) typeNames.add(name);
	const entriesOfKind = (kind, makeBody) =>
		channels
			.filter(([, channel]) => channel['x-kind'] === kind)
			.map(([id, channel]) => ({
				chapter: channel['x-chapter'],
				...makeEntry({
					id,
					title: channel.title,
					summary: channel.summary,
					channel,
					makeBody: () => makeBody(channel),
				}),
			}))
			.sort((a, b) => (a.title.toLowerCase() < b.title.toLowerCase() ? -1 : 1));
	const methods = entriesOfKind('method', methodBody);
	const methodChapters = document['x-chapters'].map((title) => ({
		title,
		entries: methods.filter(({ chapter }) => chapter === title),
	}));
	const typeEntries = schemas.map(([name, schema]) =>
		makeEntry({ id: `type-${name}`, title: name, summary: '', makeBody: () => [el('p', {}, typeCode(schema))] }),
	);
	return [
		...methodChapters,
		{ title: 'Publications', entries: entriesOfKind('publication', publicationBody) },
		{ title: 'Streams', entries: entriesOfKind('stream', streamBody) },
		{ title: 'Types', entries: typeEntries },
	].filter(({ entries }) => entries.length > 0);
}
