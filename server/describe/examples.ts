/** Makes example values that match a schema. They are the same in every run. */
import type { JsonSchema } from './schema.js';

const ROOM = 'rT4Kq8ZyWm2NcXb7v';
const USER = 'uB7xHn3QpLd9TzEwa';
const KEY_ID = '0c8f1f2a-7b1d-4d2e-9a54-6f0f7f6f3a11';
const SEALED_KEY = `${KEY_ID}${'Q'.repeat(342)}==`;
const TIME = '2026-01-31T12:00:00.000Z';

/** Example texts by the name of the argument or member. The first pattern that matches counts. */
const TEXTS: readonly (readonly [name: RegExp, text: string])[] = [
	[/^(rid|roomId|roomIds)$/, ROOM],
	[/^(uid|userId|userIds|_id|id|by|to)$/, USER],
	[/^(keyID|keyId|e2eKeyId)$/, KEY_ID],
	[/^(key|E2EKey|e2eKey|suggestedKey|E2ESuggestedKey)$/, SEALED_KEY],
	[/^(username|user|usernames|members)$/, 'alice'],
	[/email/i, 'alice@example.org'],
	[/[pP]assword$/, 'correct horse battery staple'],
	[/public_key/, '{"kty":"RSA","e":"AQAB","n":"…"}'],
	[/private_key/, '{"$binary":"…"}'],
	[/^(roomName|name|fname)$/, 'general'],
	[/^roles?$/, 'user'],
	[/[sS]ince|^(at|ts|updatedAt)$/, TIME],
	[/[tT]oken$/, 'n1kZ8vS0m5Jq2yWb7c4TfXhL9aRdEuGp3oVxKsBtQwI'],
	[/^hash$/, 'b1946ac92492d2347c6235b4d2611184a1e5e5ab8d4cbbd8f1d0e3c6a7b2f901'],
	[/^previous$/, 'c0535e4be2b79ffd93291305436bf889314e4a3faec05ecffcbb7df31ad9e51a'],
	[/digest/, '5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8'],
	[/^code$/, '123456'],
];

const NUMBERS: readonly (readonly [name: RegExp, value: number])[] = [
	[/^count$/, 50],
	[/^offset$/, 0],
];

const lookUp = <T>(table: readonly (readonly [RegExp, T])[], name: string): T | undefined =>
	table.find(([pattern]) => pattern.test(name))?.[1];

/** Makes example values of the schemas of one document. */
export class ExampleMaker {
	constructor(private readonly components: Readonly<Record<string, JsonSchema>>) {}

	/** @param name of the argument or member, for the tables above */
	exampleOf(schema: JsonSchema, name = ''): unknown {
		const { $ref, examples, anyOf } = schema;
		if (typeof $ref === 'string') {
			const component = $ref.slice($ref.lastIndexOf('/') + 1);
			return component === 'Date'
				? { $date: Date.parse(TIME) }
				: this.exampleOf(this.components[component] ?? {}, name);
		}
		if (Array.isArray(examples)) return examples[0];
		if ('const' in schema) return schema.const;
		if (Array.isArray(schema.enum)) return schema.enum[0];
		if (Array.isArray(anyOf)) return this.exampleOf(anyOf[0] as JsonSchema, name);
		const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
		switch (type) {
			case 'string':
				return schema.format === 'date-time' ? TIME : (lookUp(TEXTS, name) ?? 'text');
			case 'integer':
			case 'number':
				return lookUp(NUMBERS, name) ?? Math.max(1, Number(schema.minimum ?? 1));
			case 'boolean':
				return true;
			case 'null':
				return null;
			case 'array':
				return [this.exampleOf((schema.items ?? {}) as JsonSchema, name)];
			case 'object':
				return this.#object(schema);
			default:
				return lookUp(TEXTS, name) ?? {};
		}
	}

	/** Includes optional members. An object with arbitrary keys gets one member, whose key is a room id. */
	#object({ properties = {}, additionalProperties: others }: JsonSchema): unknown {
		const members = Object.entries(properties as Record<string, JsonSchema>);
		const known = Object.fromEntries(members.map(([name, schema]) => [name, this.exampleOf(schema, name)]));
		if (members.length > 0 || typeof others !== 'object' || others === null) return known;
		return { [ROOM]: this.exampleOf(others as JsonSchema, 'rid') };
	}
}
