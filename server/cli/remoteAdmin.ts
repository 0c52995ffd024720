/** Calls methods of a running server over REST, as an admin. */
import { readFileSync } from 'node:fs';
import { keyService } from '../../methods/index.js';
import { reasonOf } from '../../shared/storeErrors.js';
import { explainUnreadable, isDenied } from '../dataFolder/access.js';
import { OptionError } from '../options/optionError.js';
import { type Admin, RefusedCall } from './admin.js';
import { CommandError, type Io } from './command.js';
import { connectionFault, missingApi } from './connectionFault.js';
import { readPassword } from './secrets.js';

/** How the admin logs in. Without both fields, the token is in the variable `ROOMKEY_TOKEN`. */
interface Credentials {
	/** Name of an admin, whose password is asked for. */
	readonly login?: string | undefined;
	/** Path of a file with a login token. */
	readonly tokenFile?: string | undefined;
}

interface Session {
	readonly userId: string;
	readonly authToken: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Time limit of a call, in ms. The slowest methods may take this long. */
const TIMEOUT_MS = 600_000;

/**
 * @param url without a slash at the end
 * @throws CommandError if the token file cannot be read, or the server does not answer or refuses the admin
 * @throws OptionError without credentials
 */
export async function connectAdmin(url: string, { login, tokenFile }: Credentials, io: Io): Promise<Admin> {
	const loginBody =
		login === undefined
			? { resume: tokenFrom(tokenFile, io.env) }
			: { user: login, password: await readPassword(io, `Password of ${login}: `) };
	if (isUnencryptedRemote(url)) {
		const secret = login === undefined ? 'token' : 'password';
		io.note(`Warning: the connection to ${url} is not encrypted. Others on the network can read the ${secret}.`);
	}
	const { data: session } = await send<{ data: Session }>(url, undefined, 'POST', 'login', loginBody);
	return {
		where: `Working through the server at ${url}`,
		async call<T>(name: string, args: Fields = {}) {
			const { verb, path } = routeOf(name);
			const fields = Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined));
			const [filledPath, otherFields] = fillPath(path, fields);
			const body = await send<Record<string, unknown>>(url, session, verb, filledPath, otherFields);
			const { success, ...answer } = body;
			return answer as T;
		},
		async close() {
			// The operator's own token stays valid.
			if (login !== undefined) await send(url, session, 'POST', 'logout', {});
		},
	};
}

function isUnencryptedRemote(url: string): boolean {
	const { protocol, hostname } = new URL(url);
	return protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

function tokenFrom(file: string | undefined, env: NodeJS.ProcessEnv): string {
	const token = file === undefined ? env.ROOMKEY_TOKEN : readToken(file);
	if (token?.trim()) return token.trim();
	throw new OptionError("give an admin's login token in ROOMKEY_TOKEN or with --token-file, or a name with --login");
}

function readToken(file: string): string {
	try {
		return readFileSync(file, 'utf8');
	} catch (error) {
		const reason = isDenied(error) ? `${file}: ${explainUnreadable(file)}` : reasonOf(error);
		throw new CommandError(`The token cannot be read: ${reason}`);
	}
}

function routeOf(name: string): { verb: string; path: string } {
	const route = keyService.methods.find((method) => method.name === name)?.rest;
	if (!route) throw new Error(`There is no REST endpoint ${name}`);
	return route;
}

/** Fills the parameters of a path, such as `:id`, with the fields of the same names. */
function fillPath(path: string, fields: Fields): [path: string, others: Fields] {
	const others = { ...fields };
	const filled = path.replace(/:(\w+)/g, (_, name: string) => {
		delete others[name];
		return encodeURIComponent(String(fields[name]));
	});
	return [filled, others];
}

/** @returns the body of the answer. @throws CommandError if there is no answer, or the answer is an error */
async function send<T>(
	url: string,
	session: Session | undefined,
	verb: string,
	path: string,
	fields: Fields,
): Promise<T> {
	const isGet = verb === 'GET';
	const query = isGet ? `?${new URLSearchParams(fields as Record<string, string>)}` : '';
	let answer: { status: number; body: Record<string, unknown> };
	try {
		const response = await fetch(`${url}/api/v1/${path}${query}`, {
			method: verb,
			headers: {
				...(session && { 'X-User-Id': session.userId, 'X-Auth-Token': session.authToken }),
				...(!isGet && { 'Content-Type': 'application/json' }),
			},
			...(!isGet && { body: JSON.stringify(fields) }),
			// A redirect could send the token to another server.
			redirect: 'error',
			signal: AbortSignal.timeout(TIMEOUT_MS),
		});
		// A server that is not Roomkey may answer 404 with a web page.
		const body = response.status === 404 ? response.json().catch(() => ({})) : response.json();
		answer = { status: response.status, body: (await body) as Record<string, unknown> };
	} catch (error) {
		throw new CommandError(connectionFault(url, error, 'Roomkey server'));
	}
	const { status, body } = answer;
	if (status < 400) return body as T;
	if (status === 404 && path === 'login') throw new CommandError(missingApi(url));
	if (status === 401 && body.error !== 'totp-required') throw new CommandError(`${url} refuses the token or password.`);
	if (status === 503 && typeof body.error === 'string')
		throw new CommandError(`${body.error} To find out why: roomkey check --url ${url}`);
	throw new RefusedCall(body.errorType ?? body.error, String(body.error ?? `${url} answers ${status}`));
}
