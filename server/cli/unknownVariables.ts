/** Finds environment variables that are probably misspelled. */
import type { Faults } from '../options/faults.js';
import type { Option } from '../options/optionKinds.js';
import { options } from '../options/options.js';
import { removalOfVariable } from '../options/removedSettings.js';
import { isSameName, similarName } from '../options/similarName.js';
import type { Flag } from './command.js';
import { TARGET_FLAGS } from './commandFlags.js';

const PREFIX = 'ROOMKEY_';

/** Variables that Kubernetes and Docker set for a service `roomkey` or `roomkey-…`, such as `ROOMKEY_SERVICE_HOST`. */
const SERVICE_VARIABLE =
	/^ROOMKEY_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?|ENV_\w+)$/;

/** A value that Kubernetes gives to `ROOMKEY_PORT`, such as `tcp://10.0.0.1:3000`. */
const SERVICE_ADDRESS = /^(tcp|udp|sctp):\/\//;

/** Servers that Roomkey's tests start inherit the variables of the tests. */
const TEST_PREFIX = 'ROOMKEY_TEST_';

/** Adds a fault for each variable with the prefix that neither the server nor a command reads. */
export function findUnknownVariables(env: NodeJS.ProcessEnv, faults: Faults): void {
	const ofSettings = Object.values<Option<unknown>>(options).flatMap(({ env: name }) => name ?? []);
	const ofCommands = Object.values<Flag>(TARGET_FLAGS).flatMap(({ env: name }) => name ?? []);
	const known = new Set([...ofSettings, ...ofCommands, 'ROOMKEY_TOKEN']);
	const variables = variablesByName(known);
	for (const [name, value = ''] of Object.entries(env)) {
		const isForeign = !name.startsWith(PREFIX) || name.startsWith(TEST_PREFIX) || SERVICE_VARIABLE.test(name);
		if (isForeign || known.has(name) || SERVICE_ADDRESS.test(value)) continue;
		const removal = removalOfVariable(name);
		if (removal !== undefined) faults.add(`${name} ${removal}`);
		else faults.add(`Unknown environment variable ${name}${suggestion(name.slice(PREFIX.length), variables)}`);
	}
}

/** The known variables, by name without the prefix, and by the name of the setting. */
function variablesByName(known: ReadonlySet<string>): ReadonlyMap<string, string> {
	const ofSettings = Object.entries<Option<unknown>>(options).flatMap(([name, { env }]) =>
		env === undefined ? [] : [[name, env] as const],
	);
	const withoutPrefix = [...known].map((name) => [name.replace(PREFIX, ''), name] as const);
	return new Map([...ofSettings, ...withoutPrefix]);
}

/**
 * Names the variable that was probably meant, such as `BIND_IP` for `ROOMKEY_HOST`.
 * @param name without the prefix
 */
function suggestion(name: string, variables: ReadonlyMap<string, string>): string {
	const similar = similarName(name, [...variables.keys()]);
	if (similar === undefined) return '; roomkey --help names all';
	const variable = variables.get(similar);
	return isSameName(name, similar) ? `; it is ${variable}` : `; did you mean ${variable}?`;
}
