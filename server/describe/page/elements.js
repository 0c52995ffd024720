/** Makes elements of the page. Strings become text, never markup. */

/**
 * @param {string} tag
 * @param {Record<string, unknown>} attributes functions are listeners; true is an attribute without a value
 * @param {...(Node | string | undefined)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (typeof value === 'function') element.addEventListener(name, value);
		else if (value === true) element.setAttribute(name, '');
		else if (value !== undefined && value !== false) element.setAttribute(name, String(value));
	}
	element.append(...children.filter((child) => child !== undefined));
	return element;
}

/** @param {string} id */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** A value as indented JSON. */
export const pretty = (value) => JSON.stringify(value, null, 2) ?? 'nothing';
