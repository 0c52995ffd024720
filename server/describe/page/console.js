/** Makes the forms that call a method or subscribe. */
import { callDdp, subscribe } from './ddp.js';
import { el, pretty } from './elements.js';
import { makeField } from './fields.js';
import { callRest } from './rest.js';

/** Maximum number of messages shown for a subscription. */
const MAX_MESSAGES = 200;

let lastFormNumber = 0;

/** Parameters for DDP. Null stands for an omitted parameter that others follow. */
function paramsOf(values) {
	const last = values.findLastIndex((value) => value !== undefined);
	return values.slice(0, last + 1).map((value) => (value === undefined ? null : value));
}

function showAnswer(output, { title, status, isError, answer }, ms) {
	output.replaceChildren(
		el('p', { class: isError ? 'refused' : 'done' }, el('strong', {}, status), ` after ${ms} ms`),
		el('p', {}, el('code', {}, title)),
		el('pre', { tabindex: 0, 'aria-label': 'Answer' }, pretty(answer)),
	);
}

const showFailure = (output, error) => output.replaceChildren(el('p', { class: 'refused' }, error.message));

function transportChoice(id) {
	const choice = (value, text, checked) =>
		el('label', {}, el('input', { type: 'radio', name: `${id}-transport`, value, checked }), ` ${text}`);
	return el('fieldset', {}, el('legend', {}, 'Transport'), choice('rest', 'REST', true), choice('ddp', 'DDP', false));
}

/**
 * The form that calls a method.
 * @param {{name: string, arguments: object[], rest?: object, hasSecondFactor: boolean}} method
 */
export function methodConsole({ name, arguments: args, rest, hasSecondFactor }) {
	const id = `call-${++lastFormNumber}`;
	const fields = args.map((argument, i) => makeField(argument, `${id}-${i}`));
	const secondFactor = { name: 'second factor', optional: true, schema: { type: 'string' }, example: '' };
	const codeField = hasSecondFactor ? makeField(secondFactor, `${id}-code`) : undefined;
	const output = el('output', { 'aria-live': 'polite' });

	async function call(form) {
		const values = fields.map(({ value }) => value());
		const twoFactorCode = codeField?.value() ?? '';
		if (rest && new FormData(form).get(`${id}-transport`) === 'rest') {
			const namedValues = fields.map((argument, i) => [argument.name, values[i]]);
			return callRest(
				rest,
				namedValues.filter(([, value]) => value !== undefined),
				twoFactorCode,
			);
		}
		if (!twoFactorCode) return callDdp(name, paramsOf(values));
		// The second factor comes after the last parameter, so none may be left out.
		const params = values.map((value) => value ?? null);
		return callDdp(name, [...params, { twoFactorCode, twoFactorMethod: 'totp' }]);
	}

	async function submit(event) {
		event.preventDefault();
		const start = performance.now();
		try {
			const answer = await call(event.currentTarget);
			showAnswer(output, answer, Math.round(performance.now() - start));
		} catch (error) {
			showFailure(output, error);
		}
	}
	return consoleForm(
		submit,
		fields,
		codeField?.element,
		rest && transportChoice(id),
		el('button', {}, `Call ${name}`),
		output,
	);
}

function consoleForm(submit, fields, ...children) {
	const elements = fields.map(({ element }) => element);
	return el('form', { class: 'console', submit }, el('h4', {}, 'Try it'), ...elements, ...children);
}

/**
 * The form that subscribes.
 * @param collection only messages of this collection are shown. Undefined: messages of all collections except streams
 */
export function subscriptionConsole({ name, arguments: args, collection }) {
	const id = `sub-${++lastFormNumber}`;
	const fields = args.map((argument, i) => makeField(argument, `${id}-${i}`));
	const output = el('output', { 'aria-live': 'polite' });
	const log = el('ol', { class: 'messages', tabindex: 0, 'aria-label': 'Messages', hidden: true });
	const button = el('button', {}, 'Subscribe');
	/** Ends the subscription; undefined if there is none. */
	let stop;

	/** A message does not name its subscription, so its collection decides whether it is shown. */
	function isShown(message) {
		if (message.collection === undefined) return true;
		return collection ? message.collection === collection : !message.collection.startsWith('stream-');
	}

	function showMessage(message) {
		if (!isShown(message)) return;
		log.hidden = false;
		log.prepend(el('li', {}, el('pre', {}, JSON.stringify(message))));
		if (log.childElementCount > MAX_MESSAGES) log.lastElementChild.remove();
		if (message.msg === 'ready') output.textContent = 'Subscribed. The newest message comes first.';
		if (message.msg !== 'nosub') return;
		stop = undefined;
		button.textContent = 'Subscribe';
		output.textContent = message.error
			? `Refused: ${message.error.reason ?? message.error.error}`
			: 'The subscription has ended.';
	}

	async function submit(event) {
		event.preventDefault();
		if (stop) return stop();
		try {
			log.replaceChildren();
			const values = fields.map(({ value }) => value());
			stop = await subscribe(name, paramsOf(values), showMessage);
			button.textContent = 'Stop';
		} catch (error) {
			showFailure(output, error);
		}
	}
	return consoleForm(submit, fields, button, output, log);
}
