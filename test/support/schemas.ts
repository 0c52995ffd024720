/** Validates values against the OpenAPI and AsyncAPI documents of a server with the whole catalogue. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import * as catalogue from '../../methods/index.js';
import { asyncapiDocument } from '../../server/describe/asyncapi.js';
import { openapiDocument } from '../../server/describe/openapi.js';

type Json = Record<string, unknown>;

/** Escapes a key as a part of a JSON pointer in a URI: `a/b` becomes `a~1b`. */
const escaped = (part: string) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));

/** An OpenAPI or AsyncAPI document, and validators for the schemas in it. */
export class Described {
	readonly #ajv: Ajv2020;
	readonly #coercing: Ajv2020;
	readonly #validators = new Map<string, ValidateFunction | undefined>();

	constructor(readonly document: Json) {
		const options = { strict: false, validateSchema: false } as const;
		this.#ajv = new Ajv2020(options);
		this.#coercing = new Ajv2020({ ...options, coerceTypes: 'array' });
		for (const ajv of [this.#ajv, this.#coercing]) {
			formats.default(ajv);
			ajv.addSchema(document, 'document');
		}
	}

	/** The value at a path of keys in the document; undefined if there is none. */
	at(...path: readonly string[]): unknown {
		return path.reduce<unknown>((value, key) => (value as Json | undefined)?.[key], this.document);
	}

	/**
	 * Says where a value violates the schema at a path; undefined if nowhere.
	 * @param coerce whether, as in a query, a text may stand for a number or boolean, and a value for a list of it alone
	 */
	fault(value: unknown, path: readonly string[], coerce = false): string | undefined {
		const key = `document#/${path.map(escaped).join('/')}`;
		const ajv = coerce ? this.#coercing : this.#ajv;
		const cacheKey = `${coerce} ${key}`;
		let validate = this.#validators.get(cacheKey);
		if (!validate) {
			validate = ajv.getSchema(key);
			if (!validate) throw new Error(`There is no schema at ${key}`);
			this.#validators.set(cacheKey, validate);
		}
		return validate(value) ? undefined : ajv.errorsText(validate.errors?.slice(0, 3), { dataVar: 'value' });
	}
}

let openapi: Described | undefined;
let asyncapi: Described | undefined;

export function describedRest(): Described {
	openapi ??= new Described(openapiDocument({ ...catalogue, version: '0.0.0' }));
	return openapi;
}

export function describedDdp(): Described {
	asyncapi ??= new Described(asyncapiDocument({ ...catalogue, version: '0.0.0' }));
	return asyncapi;
}
