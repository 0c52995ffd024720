/** `docs/methods.md`: all that clients may call and subscribe to, from the definitions. */

import { CHAPTERS, chapterOf } from '../server/describe/chapters.js';
import { formatLimit } from '../server/describe/limitText.js';
import { acceptsUndefined, argumentMembers, isUndefined, SchemaMaker } from '../server/describe/schema.js';
import { typeText } from '../server/describe/typeText.js';
import { knownErrors } from '../shared/errors.js';
import { DEFAULT_TIMEOUT, type Method, type RestRoute } from '../shared/method.js';
import { compileKeys } from '../shared/pattern.js';
import type { Publication } from '../shared/publication.js';
import type { Member, Shape } from '../shared/shape.js';
import type { Stream, StreamEvent } from '../shared/stream.js';

export interface Catalogue {
	readonly methods: readonly Method[];
	readonly publications: readonly Publication[];
	readonly streams: readonly Stream[];
}

const code = (text: string) => `\`${text}\``;

/** The anchor of the heading of each name, as GitHub makes it. Where two are equal, the second ends with `-1`. */
function anchorsOf(names: readonly string[]): Map<string, string> {
	const used = new Map<string, number>();
	return new Map(
		names.map((name) => {
			const anchor = name.toLowerCase().replace(/[^a-z0-9_-]/g, '');
			const count = used.get(anchor) ?? 0;
			used.set(anchor, count + 1);
			return [name, count === 0 ? anchor : `${anchor}-${count}`];
		}),
	);
}

/** A type as one line of text. */
const typeOf = (shape: Shape, maker: SchemaMaker) => code(typeText(maker.schemaOf(shape)));

const nameText = ({ name, isOptional }: Member) => (isOptional ? `${name}?` : name);

const argText = (member: Member, maker: SchemaMaker) => `- ${code(nameText(member))}: ${typeOf(member.shape, maker)}`;

function paramsText({ args }: Pick<Method, 'args'>): string {
	return argumentMembers(args).map(nameText).join(', ');
}

/** Facts about a method other than its arguments, each in a few words. */
function factsOf(method: Method): string[] {
	const { anonymous, limit, once, secondFactor, audit, timeout } = method;
	return [
		anonymous ? 'anyone may call it' : 'for logged-in callers',
		limit ? formatLimit(limit) : 'no limit of its own',
		...(once ? ['once'] : []),
		...(secondFactor ? ['may ask for a second factor'] : []),
		...(audit ? ['audited'] : []),
		...(timeout === DEFAULT_TIMEOUT ? [] : [`time limit ${timeout / 1000} seconds`]),
	];
}

function answerText(shape: Shape, rest: RestRoute | undefined, maker: SchemaMaker): string {
	if (isUndefined(shape)) return 'none';
	return `${typeOf(shape, maker)}${acceptsUndefined(shape) ? ', or none' : ''}${rest?.empty ? '; none over REST' : ''}`;
}

function methodText(method: Method, maker: SchemaMaker): string {
	const { name, summary, rest, args, returns, errors } = method;
	const lines = [`### ${code(name)}`, '', `${summary}.`, '', `- DDP: ${code(`${name}(${paramsText(method)})`)}`];
	if (rest) {
		const bodyNote = rest.body === 'object' ? `; the body is ${code(args[0]?.[0] ?? '')}` : '';
		lines.push(`- REST: ${code(`${rest.verb} /api/v1/${rest.path}`)}${bodyNote}`);
	}
	lines.push(`- ${factsOf(method).join(' · ')}`);
	if (args.length > 0) lines.push('- Arguments:', ...argumentMembers(args).map((arg) => `  ${argText(arg, maker)}`));
	if (returns) lines.push(`- Answer: ${answerText(returns.shape, rest, maker)}`);
	if (errors && errors.length > 0) lines.push(`- Errors: ${errors.map((error) => code(String(error))).join(', ')}`);
	return lines.join('\n');
}

function chapterText(title: string, methods: readonly Method[], maker: SchemaMaker): string {
	return [`## ${title}`, ...methods.map((method) => methodText(method, maker))].join('\n\n');
}

function publicationsText(publications: readonly Publication[], maker: SchemaMaker): string {
	const rows = publications.map((publication) => {
		const { name, summary, anonymous, limit, documents = new Map() } = publication;
		const collections = Array.from(
			documents,
			([collection, { shape }]) => `${code(collection)}: ${typeOf(shape, maker)}`,
		);
		const nameCell =
			name === null ? '(every client, without a subscription)' : code(`${name}(${paramsText(publication)})`);
		return `| ${nameCell} | ${summary} | ${collections.join('<br>')} | ${anonymous ? 'anyone' : 'logged-in users'} | ${limit ? formatLimit(limit) : ''} |`;
	});
	return ['| Publication | Shows | Documents | For | Limit |', '|---|---|---|---|---|', ...rows].join('\n');
}

function eventText({ name, summary, args }: StreamEvent, maker: SchemaMaker): string {
	const members = argumentMembers([...compileKeys(args)]);
	const types = members.map((member) => `${nameText(member)}: ${typeText(maker.schemaOf(member.shape))}`);
	return `  - ${code(name)}, arguments ${types.length === 0 ? 'none' : code(types.join(', '))}: ${summary}`;
}

function streamsText(streams: readonly Stream[], maker: SchemaMaker): string {
	return streams
		.map(({ name, summary, events = [] }) =>
			[`- ${code(`stream-${name}`)}: ${summary}`, ...events.map((event) => eventText(event, maker))].join('\n'),
		)
		.join('\n');
}

/** The types that other types refer to by name. `Date` is left out: its entry would only show the EJSON of a date. */
function typesText({ components }: SchemaMaker): string {
	const rows = Object.entries(components)
		.filter(([name]) => name !== 'Date')
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([name, schema]) => `- ${code(name)}: ${code(typeText(schema))}`);
	return rows.join('\n');
}

/** Each code with its reasons, sorted by code. */
function errorsText(): string {
	const reasons = new Map<string, Set<string>>();
	for (const { error, reason } of knownErrors()) {
		const known = reasons.get(String(error)) ?? new Set();
		reasons.set(String(error), known.add(reason));
	}
	const rows = [...reasons]
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([error, texts]) => `| ${code(error)} | ${[...texts].filter(Boolean).join('<br>')} |`);
	return ['| Error | Reason |', '|---|---|', ...rows].join('\n');
}

const byName = (a: { name: string }, b: { name: string }) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1);

const INTRODUCTION = `# Methods

<!-- This page is generated from the definitions: run npm run docs. -->

What clients may call and subscribe to. Every method can be called over [DDP](ddp.md), those with a path also over [REST](rest.md):
the arguments are the parameters of DDP in their order, and the members of the body or query in REST. \`?\` marks what may be left out.
Types are written as in TypeScript; \`<…>\` is a condition in words, \`…\` in an object stands for any other members.

*once* marks methods whose [repeated call](rest.md#retries) gets its first answer, *audited* those whose calls are
[audit events](operating.md#log) in the log. \`login\` and \`createUser\` have [limits](limits.md) beside those given here.
Over REST, [\`login\` and \`logout\`](rest.md#credentials) are at paths of their own.`;

const ERRORS = `Every method can also have these errors, which its entry does not repeat: 400 \`Match failed\` (an argument of the wrong
type), \`error-invalid-user\` (nobody is logged in), \`too-many-requests\` (a limit), \`error-idempotency-mismatch\` (*once*), \`totp-…\` (a second
factor), \`error-timeout\` and 500. [REST](rest.md#answers) says which status each has. The reasons are for people, and may change.`;

/** The page as text. */
export function reference({ methods, publications, streams }: Catalogue): string {
	const maker = new SchemaMaker('ejson');
	const chapters = CHAPTERS.flatMap(([title]) => {
		const ofChapter = methods.filter(({ name }) => chapterOf(name) === title).sort(byName);
		return ofChapter.length === 0 ? [] : [{ title, methods: ofChapter }];
	});
	const anchors = anchorsOf(chapters.flatMap(({ methods }) => methods.map(({ name }) => name)));
	const link = ({ name }: Method) => `[${code(name)}](#${anchors.get(name)})`;
	const contents = chapters.map(({ title, methods }) => `- **${title}**: ${methods.map(link).join(', ')}`);
	return `${[
		INTRODUCTION,
		[...contents, '- [Publications](#publications), [streams](#streams), [types](#types), [errors](#errors)'].join(
			'\n',
		),
		...chapters.map(({ title, methods }) => chapterText(title, methods, maker)),
		'## Publications',
		publicationsText(publications, maker),
		'## Streams',
		'[DDP](ddp.md#streams) says who receives which events.',
		streamsText(streams, maker),
		'## Types',
		typesText(maker),
		'## Errors',
		ERRORS,
		errorsText(),
	].join('\n\n')}\n`;
}
