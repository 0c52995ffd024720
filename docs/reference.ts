/** `docs/methods.md`: all that clients may call and subscribe to, from the definitions. */

import { knownErrors } from '../shared/errors.js';
import type { Limit } from '../shared/limit.js';
import type { AnyMatcher } from '../shared/matcher.js';
import { DEFAULT_TIMEOUT, type Method, type RestRoute } from '../shared/method.js';
import type { Publication } from '../shared/publication.js';
import type { Shape } from '../shared/shape.js';
import type { Stream } from '../shared/stream.js';
import { typeText } from './types.js';

export interface Catalogue {
	readonly methods: readonly Method[];
	readonly publications: readonly Publication[];
	readonly streams: readonly Stream[];
}

/** Chapters, and the names of the methods in each. The first that fits counts. */
const CHAPTERS: readonly (readonly [title: string, names: RegExp])[] = [
	['Identity keys', /E2EKey$|^e2e\.(fetchMyKeys|setUserPublicAndPrivateKeys|keyHistory)$/],
	['Room keys', /^e2e\.|^stream-notify-room-users$/],
	['The own account', /^(login|logout|createUser|changePassword|me|getNewToken|removeOtherTokens|logoutOtherClients)$/],
	['Users', /^users\.|^getUserRoles$/],
	['Rooms and members', /^(rooms|channels|groups|im|dm|subscriptions)[./]|[rR]oom/],
	['Settings and permissions', /[sS]etting|^permissions/],
	['Others', /./],
];

const chapterOf = (name: string) => CHAPTERS.find(([, names]) => names.test(name))?.[0];

const code = (text: string) => `\`${text}\``;

/** The anchors of headings that are these names; a second one of the same gets a number behind it. */
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

function limitText({ calls, per }: Limit): string {
	const count = calls.toLocaleString('en');
	return per === 60_000 ? `${count} calls per minute` : `${count} calls in ${per / 1000} seconds`;
}

const argText = ([name, matcher]: readonly [string, AnyMatcher]) =>
	`- ${code(matcher.mayBeAbsent ? `${name}?` : name)}: ${code(typeText(matcher.shape))}`;

function paramsText({ args }: Pick<Method, 'args'>): string {
	return args.map(([name, matcher]) => (matcher.mayBeAbsent ? `${name}?` : name)).join(', ');
}

/** What there is to say of a method beside its arguments, each in a few words. */
function factsOf(method: Method): string[] {
	const { anonymous, limit, once, secondFactor, timeout } = method;
	return [
		anonymous ? 'anyone may call it' : 'for logged-in callers',
		limit ? limitText(limit) : 'no limit of its own',
		...(once ? ['once'] : []),
		...(secondFactor ? ['may ask for a second factor'] : []),
		...(timeout === DEFAULT_TIMEOUT ? [] : [`time limit ${timeout / 1000} seconds`]),
	];
}

function answerText(shape: Shape, rest: RestRoute | undefined): string {
	if (shape.kind === 'type' && shape.name === 'undefined') return 'none';
	return `${code(typeText(shape))}${rest?.empty ? '; none over REST' : ''}`;
}

function methodText(method: Method): string {
	const { name, summary, rest, args, returns, errors } = method;
	const lines = [`### ${code(name)}`, '', `${summary}.`, '', `- DDP: ${code(`${name}(${paramsText(method)})`)}`];
	if (rest) {
		const whole = rest.body === 'object' ? `; the body is ${code(args[0]?.[0] ?? '')}` : '';
		lines.push(`- REST: ${code(`${rest.verb} /api/v1/${rest.path}`)}${whole}`);
	}
	lines.push(`- ${factsOf(method).join(' · ')}`);
	if (args.length > 0) lines.push('- Arguments:', ...args.map((arg) => `  ${argText(arg)}`));
	if (returns) lines.push(`- Answer: ${answerText(returns.shape, rest)}`);
	if (errors && errors.length > 0) lines.push(`- Errors: ${errors.map((error) => code(String(error))).join(', ')}`);
	return lines.join('\n');
}

function chapterText(title: string, methods: readonly Method[]): string {
	return [`## ${title}`, ...methods.map(methodText)].join('\n\n');
}

function publicationsText(publications: readonly Publication[]): string {
	const rows = publications.map((publication) => {
		const { name, summary, anonymous, limit } = publication;
		const shown =
			name === null ? '(every client, without a subscription)' : code(`${name}(${paramsText(publication)})`);
		return `| ${shown} | ${summary} | ${anonymous ? 'anyone' : 'logged-in users'} | ${limit ? limitText(limit) : ''} |`;
	});
	return ['| Publication | Shows | For | Limit |', '|---|---|---|---|', ...rows].join('\n');
}

function streamsText(streams: readonly Stream[]): string {
	const rows = streams.map(({ name, summary }) => `| ${code(`stream-${name}`)} | ${summary} |`);
	return ['| Stream | Events |', '|---|---|', ...rows].join('\n');
}

/** Each code with its reasons, the codes that are texts in their order. */
function errorsText(): string {
	const reasons = new Map<string, Set<string>>();
	for (const { error, reason } of knownErrors()) {
		const of = reasons.get(String(error)) ?? new Set();
		reasons.set(String(error), of.add(reason));
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

*once* marks methods whose [repeated call](rest.md#retries) gets its first answer. \`login\` and \`createUser\` have [limits](limits.md) beside those given here.
Over REST, [\`login\` and \`logout\`](rest.md#credentials) are at paths of their own.`;

const ERRORS = `Every method may be refused with the errors of its kind, which its entry does not repeat: 400 \`Match failed\` (an argument of the wrong
type), \`error-invalid-user\` (nobody is logged in), \`too-many-requests\` (a limit), \`error-idempotency-mismatch\` (*once*), \`totp-…\` (a second
factor), \`error-timeout\` and 500. [REST](rest.md#answers) says which status each has. The reasons are for people, and may change.`;

/** The page as text. */
export function reference({ methods, publications, streams }: Catalogue): string {
	const chapters = CHAPTERS.flatMap(([title]) => {
		const within = methods.filter(({ name }) => chapterOf(name) === title).sort(byName);
		return within.length === 0 ? [] : [{ title, methods: within }];
	});
	const anchors = anchorsOf(chapters.flatMap(({ methods }) => methods.map(({ name }) => name)));
	const link = ({ name }: Method) => `[${code(name)}](#${anchors.get(name)})`;
	const contents = chapters.map(({ title, methods }) => `- **${title}**: ${methods.map(link).join(', ')}`);
	return `${[
		INTRODUCTION,
		[...contents, '- [Publications](#publications), [streams](#streams), [errors](#errors)'].join('\n'),
		...chapters.map(({ title, methods }) => chapterText(title, methods)),
		'## Publications',
		publicationsText(publications),
		'## Streams',
		'[DDP](ddp.md#streams) lists the events of each, with their arguments and readers.',
		streamsText(streams),
		'## Errors',
		ERRORS,
		errorsText(),
	].join('\n\n')}\n`;
}
