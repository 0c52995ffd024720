/** Names of environment variables that begin with `ROOMKEY_`, but are no settings: likely misspelled ones. */
import { type Faults, type Option, similarName } from '../options/kinds.js';
import { options } from '../options/options.js';
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
	for (const [name, value = ''] of Object.entries(env)) {
		const isForeign = !name.startsWith(PREFIX) || name.startsWith(OF_TESTS) || OF_SERVICES.test(name);
		if (isForeign || known.has(name) || SERVICE_ADDRESS.test(value)) continue;
		const meant = similarName(name, [...known]) ?? variableOfSetting(name.slice(PREFIX.length));
		faults.add(`Unknown environment variable ${name}${meant ? `; it is ${meant}` : ''}`);
	}
}

/** The variable of the setting with this name, such as `MONGO_URL` for `MONGO_URL` and `BIND_IP` for `HOST`. */
function variableOfSetting(name: string): string | undefined {
	const setting = similarName(name, Object.keys(options)) as keyof typeof options | undefined;
	return setting && (options[setting] as Option<unknown>).env;
}
