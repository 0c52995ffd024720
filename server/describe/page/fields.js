/** Makes the input fields for the arguments of a call, and reads their values. */
import { el, pretty } from './elements.js';
import { typeText } from './typeText.js';

/** The JSON types that a schema names, except null. */
const typesOf = ({ type }) => (Array.isArray(type) ? type : [type]).filter((name) => name !== 'null');

function kindOf(schema) {
	if (Array.isArray(schema.enum)) return 'choice';
	const [type, ...others] = typesOf(schema);
	if (others.length > 0) return 'json';
	if (type === 'boolean') return 'choice';
	if (type === 'string') return 'text';
	return type === 'number' || type === 'integer' ? 'number' : 'json';
}

function choicesOf(schema) {
	return Array.isArray(schema.enum) ? schema.enum : [true, false];
}

/** The input of a field. That of JSON begins with the example, unless the argument is optional. */
function inputOf(kind, { schema, optional, example }, attributes) {
	if (kind === 'choice') {
		const texts = choicesOf(schema).map((choice) => JSON.stringify(choice));
		const choices = texts.map((text) => el('option', { value: text }, text));
		if (optional) choices.unshift(el('option', { value: '' }, 'left out'));
		return el('select', attributes, ...choices);
	}
	if (kind === 'text') return el('input', { ...attributes, placeholder: optional ? 'left out' : String(example) });
	if (kind === 'number') {
		return el('input', {
			...attributes,
			type: 'number',
			step: 'any',
			placeholder: optional ? 'left out' : String(example),
		});
	}
	const area = /** @type {HTMLTextAreaElement} */ (el('textarea', { ...attributes, rows: 1, placeholder: 'left out' }));
	area.value = optional ? '' : pretty(example);
	area.rows = Math.min(12, area.value.split('\n').length);
	return area;
}

/**
 * Makes the field of an argument.
 * @param {{name: string, optional: boolean, schema: object, example: unknown}} argument
 * @param {string} id unique in the page
 * @returns the element, and `value()`, which returns undefined if the argument is left out, and throws for invalid JSON
 */
export function makeField(argument, id) {
	const { name, optional, schema } = argument;
	const kind = kindOf(schema);
	const hint = `${id}-hint`;
	const input = inputOf(kind, argument, { id, autocomplete: 'off', spellcheck: 'false', 'aria-describedby': hint });
	const label = el('label', { for: id }, name, optional ? el('span', { class: 'optional' }, ' optional') : undefined);
	const type = el('code', { id: hint, class: 'type' }, typeText(schema) + (kind === 'json' ? ' as JSON' : ''));

	function value() {
		input.removeAttribute('aria-invalid');
		const text = input.value;
		const mayBeEmpty = kind === 'text' && !optional;
		if (text === '' && !mayBeEmpty) return undefined;
		if (kind === 'text') return text;
		try {
			return JSON.parse(text);
		} catch {
			input.setAttribute('aria-invalid', 'true');
			input.focus();
			throw new Error(`${name} is not JSON`);
		}
	}
	return { element: el('div', { class: 'field' }, label, input, type), name, value };
}
