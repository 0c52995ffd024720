/** The credentials for calls of the page, kept only in memory. */
import { byId } from './elements.js';

/** @type {{userId: string, authToken: string} | undefined} */
let credentials;

const listeners = [];

/** @returns the user id and the token, or undefined */
export const currentCredentials = () => credentials;

/** Calls a function whenever the credentials have changed. */
export const onChange = (listener) => listeners.push(listener);

/** Replaces the credentials. @param text names their user, for the page */
function setCredentials(newCredentials, text) {
	credentials = newCredentials;
	byId('who').textContent = text;
	byId('forget').hidden = !newCredentials;
	for (const listener of listeners) listener();
}

async function logIn(form) {
	const { user, password, code } = Object.fromEntries(new FormData(form));
	const response = await fetch('api/v1/login', {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ user, password, ...(code && { code }) }),
	});
	const answer = await response.json();
	if (!response.ok) throw new Error(answer.message ?? answer.error);
	setCredentials(answer.data, `You are logged in as ${answer.data.me?.username ?? answer.data.userId}.`);
}

/** Makes the login forms of the page work. */
export function startForms() {
	const login = /** @type {HTMLFormElement} */ (byId('login'));
	const token = /** @type {HTMLFormElement} */ (byId('token'));
	login.addEventListener('submit', async (event) => {
		event.preventDefault();
		try {
			await logIn(login);
			login.reset();
		} catch (error) {
			byId('who').textContent = `The login failed: ${error.message}`;
		}
	});
	token.addEventListener('submit', (event) => {
		event.preventDefault();
		const { userId, authToken } = Object.fromEntries(new FormData(token));
		setCredentials({ userId, authToken }, `Calls are made as the user ${userId}.`);
		token.reset();
	});
	byId('forget').addEventListener('click', () => {
		setCredentials(undefined, 'You are not logged in. Calls are made as a caller who is not logged in.');
		byId('who').focus();
	});
}
