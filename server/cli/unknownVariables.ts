/** Names of environment variables that begin with `ROOMKEY_`, but are no settings: likely misspelled ones. */
import type { Faults } from '../options/faults.js';
import type { Option } from '../options/optionKinds.js';
import { options } from '../options/options.js';
import { removalOfVariable } from '../options/removedSettings.js';
import { isSameName, similarName } from '../options/similarName.js';
import type { Flag } from './command.js';
import { TARGET_FLAGS } from './commandFlags.js';

const PREFIX = 'ROOMKEY_';

/** What Kubernetes and Docker set for a service whose name begins with `roomkey`, such as `ROOMKEY_SERVICE_HOST`. */
const OF_SERVICES =
	/^ROOMKEY_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?|ENV_\w+)$/;

/** The value that Kubernetes gives to `ROOMKEY_PORT`. */
const SERVICE_ADDRESS = /^(tcp|udp|sctp):\/\//;

/** Variables of Roomkey's tests, which the servers that they start inherit. */
const OF_TESTS = 'ROOMKEY_TEST_';

/** Adds a fault for each variable that begins with `ROOMKEY_` and that neither the server nor a command reads. */
export function findUnknownVariables(env: NodeJS.ProcessEnv, faults: Faults): void {
	const ofSettings = Object.values<Option<unknown>>(options).flatMap(({ env: name }) => name ?? []);
	const ofCommands = Object.values<Flag>(TARGET_FLAGS).flatMap(({ env: name }) => name ?? []);
	const known = new Set([...ofSettings, ...ofCommands, 'ROOMKEY_TOKEN']);
	const variables = variablesByName(known);
	for (const [name, value = ''] of Object.entries(env)) {
		const isForeign = !name.startsWith(PREFIX) || name.startsWith(OF_TESTS) || OF_SERVICES.test(name);
		if (isForeign || known.has(name) || SERVICE_ADDRESS.test(value)) continue;
		const removal = removalOfVariable(name);
		if (removal !== undefined) faults.add(`${name} ${removal}`);
		else faults.add(`Unknown environment variable ${name}${suggestion(name.slice(PREFIX.length), variables)}`);
	}
}

/** The known variables by their names without the prefix, and by the names of their settings. */
function variablesByName(known: ReadonlySet<string>): ReadonlyMap<string, string> {
	const ofSettings = Object.entries<Option<unknown>>(options).flatMap(([name, { env }]) =>
		env === undefined ? [] : [[name, env] as const],
	);
	const withoutPrefix = [...known].map((name) => [name.replace(PREFIX, ''), name] as const);
	return new Map([...ofSettings, ...withoutPrefix]);
}

/**
 * The end of the text about an unknown variable: the one that was meant, such as `BIND_IP` for `ROOMKEY_HOST`.
 * @param name without the prefix
 */
function suggestion(name: string, variables: ReadonlyMap<string, string>): string {
	const similar = similarName(name, [...variables.keys()]);
	if (similar === undefined) return '; roomkey --help names all';
	const variable = variables.get(similar);
	return isSameName(name, similar) ? `; it is ${variable}` : `; did you mean ${variable}?`;
}
