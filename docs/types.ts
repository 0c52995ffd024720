/** Patterns as the reference shows them, in the manner of TypeScript; conditions in words stand in angle brackets. */
import type { Member, Shape } from '../shared/shape.js';

/** The choices that are values: `undefined` only says that a member or an argument may be absent. */
function choicesOf({ choices }: Shape & { kind: 'oneOf' }): Shape[] {
	return choices
		.flatMap((choice) => (choice.kind === 'oneOf' ? choicesOf(choice) : [choice]))
		.filter((choice) => !(choice.kind === 'type' && choice.name === 'undefined'));
}

function memberText({ name, isOptional, shape }: Member): string {
	const key = /^[\w$]+$/.test(name) ? name : JSON.stringify(name);
	return `${key}${isOptional ? '?' : ''}: ${typeText(shape)}`;
}

function objectText({ members, others }: Shape & { kind: 'object' }): string {
	if (members.length === 0 && others?.kind === 'any') return 'object';
	const known = members.map(memberText);
	if (others?.kind === 'any') known.push('…');
	else if (others) known.push(`[key]: ${typeText(others)}`);
	return `{${known.join(', ')}}`;
}

/** A type as one line of text. */
export function typeText(shape: Shape): string {
	switch (shape.kind) {
		case 'any':
			return 'any';
		case 'type':
			return shape.name;
		case 'literal':
			return JSON.stringify(shape.value);
		case 'where':
			return `<${shape.text ?? 'checked value'}>`;
		case 'object':
			return objectText(shape);
		case 'array': {
			const element = typeText(shape.element);
			return shape.element.kind === 'oneOf' ? `(${element})[]` : `${element}[]`;
		}
		case 'oneOf':
			return [...new Set(choicesOf(shape).map(typeText))].join(' | ');
	}
}
