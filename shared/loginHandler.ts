import type { LoginHandler } from './context.js';
import { checkDefinition, type MemberRules, required, rules } from './definition.js';

const MEMBERS: MemberRules = { name: required(rules.name), run: required(rules.function) };

/** Defines a login handler, for the option `loginHandlers` of a server. @throws DefinitionError */
export function loginHandler(name: string, run: LoginHandler['run']): LoginHandler {
	const definition = { name, run };
	checkDefinition('login handler', definition, MEMBERS);
	return Object.freeze(definition);
}
