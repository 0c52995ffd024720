/** The secrets that tests use, and a check that no log of a server contains one. */
import type { Log } from '../../shared/log.js';

/** Length of the start of a secret that is searched for. Shorter secrets may be ordinary words, and are ignored. */
const LENGTH = 12;

/** The first `LENGTH` characters of every secret. */
const secrets = new Set<string>();

/** Secrets that were found in log lines. */
const found = new Set<string>();

/** Log lines that are not searched yet. */
let lines: string[] = [];

/** Members of messages whose value is a secret. */
const MEMBERS =
	/"(?:password|newPassword|pass|digest|token|authToken|resume|private_key|E2EKey|E2ESuggestedKey|e2eKey|key)":"([^"\\]{12,})"/g;

/** The name of a method. Some tests send one as a key or token, but logs may contain it. */
const METHOD_NAME = /^[a-z0-9]+(\.[a-zA-Z]+)+$/;

export function noteSecret(secret: string): void {
	if (secret.length >= LENGTH && !METHOD_NAME.test(secret)) secrets.add(secret.slice(0, LENGTH));
}

/** Notes the secrets in a message. Skips messages that would take long to search. */
export function noteSecretsIn(message: string): void {
	if (message.length > 100_000) return;
	for (const [, secret] of message.matchAll(MEMBERS)) noteSecret(secret as string);
}

/** Adds a text of a log to those that are searched. */
export function noteLog(text: string): void {
	lines.push(text);
}

/** Makes `JSON.stringify` write the members of errors, which it leaves out otherwise. */
function withErrorMembers(_name: string, value: unknown): unknown {
	return value instanceof Error ? { ...value, message: value.message, stack: value.stack, cause: value.cause } : value;
}

function textOf(facts: object, text: string): string {
	try {
		return `${text} ${JSON.stringify(facts, withErrorMembers)}`;
	} catch {
		return text;
	}
}

/** Wraps a log, so that its lines are searched for secrets. */
export function noting<L extends Log>(log: L): L {
	const note = (level: keyof Log) => (facts: object, text: string) => {
		noteLog(textOf(facts, text));
		log[level](facts, text);
	};
	return { ...log, debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
}

const nothing = () => {};

/** A log that keeps nothing. Its lines are searched for secrets. */
export const notedLog: Log = noting({ debug: nothing, info: nothing, warn: nothing, error: nothing });

/** Searches the lines since the last call. Lines are kept until then, because a secret may be noted after its line. */
export function leakedSecrets(): readonly string[] {
	for (const line of lines)
		for (let i = 0; i + LENGTH <= line.length; i++)
			if (secrets.has(line.slice(i, i + LENGTH))) found.add(`${line.slice(i, i + LENGTH)}… in: ${line.slice(0, 500)}`);
	lines = [];
	const leaked = [...found];
	found.clear();
	return leaked;
}
