/** The forms that call a method, and those that subscribe. */
import { callDdp, subscribe } from './ddp.js';
import { el, pretty } from './elements.js';
import { field } from './fields.js';
import { callRest } from './rest.js';

/** Maximum number of messages that are shown for a subscription. */
const MAX_MESSAGES = 200;

let lastForm = 0;

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
	const id = `call-${++lastForm}`;
	const fields = args.map((argument, i) => field(argument, `${id}-${i}`));
	const factor = { name: 'second factor', optional: true, schema: { type: 'string' }, example: '' };
	const code = hasSecondFactor ? field(factor, `${id}-code`) : undefined;
	const output = el('output', { 'aria-live': 'polite' });

	async function call(form) {
		const values = fields.map(({ value }) => value());
		const twoFactorCode = code?.value() ?? '';
		if (rest && new FormData(form).get(`${id}-transport`) === 'rest') {
			const named = fields.map((argument, i) => [argument.name, values[i]]);
			return callRest(
				rest,
				named.filter(([, value]) => value !== undefined),
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
			const answered = await call(event.currentTarget);
			showAnswer(output, answered, Math.round(performance.now() - start));
		} catch (error) {
			showFailure(output, error);
		}
	}
	return consoleForm(
		submit,
		fields,
		code?.element,
		rest && transportChoice(id),
		el('button', {}, `Call ${name}`),
		output,
	);
}

/** The form of a console. @param children what follows the fields of the arguments */
function consoleForm(submit, fields, ...children) {
	const elements = fields.map(({ element }) => element);
	return el('form', { class: 'console', submit }, el('h4', {}, 'Try it'), ...elements, ...children);
}

/**
 * The form that subscribes.
 * @param collection only messages of this collection are shown. Undefined: messages of all collections except streams
 */
export function subscriptionConsole({ name, arguments: args, collection }) {
	const id = `sub-${++lastForm}`;
	const fields = args.map((argument, i) => field(argument, `${id}-${i}`));
	const output = el('output', { 'aria-live': 'polite' });
	const log = el('ol', { class: 'messages', tabindex: 0, 'aria-label': 'Messages', hidden: true });
	const button = el('button', {}, 'Subscribe');
	let stop;

	function belongs(message) {
		if (message.collection === undefined) return true;
		return collection ? message.collection === collection : !message.collection.startsWith('stream-');
	}

	function listen(message) {
		if (!belongs(message)) return;
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
			stop = await subscribe(name, paramsOf(fields.map(({ value }) => value())), listen);
			button.textContent = 'Stop';
		} catch (error) {
			showFailure(output, error);
		}
	}
	return consoleForm(submit, fields, button, output, log);
}
