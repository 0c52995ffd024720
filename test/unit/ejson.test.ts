/** EJSON and the DDP codec: the cases of test/contract/ejson-cases.json, and the checks that only Roomkey has. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';
import { expect } from 'chai';
import EJSON from 'ejson';
import * as codec from '../../server/ddp/codec.js';
import {
	canonical,
	clone,
	decode,
	MAX_DEPTH,
	MAX_VALUES,
	ObjectID,
	parse,
	parseJson,
	stringify,
	Unreadable,
} from '../../shared/ejson.js';
import { ClientError } from '../../shared/errors.js';

/** A case of the file. Its fields are explained in test/contract/check.md section 1.4. */
interface Case {
	kind: 'encode' | 'decode' | 'equals' | 'ddp-encode' | 'ddp-decode';
	js?: string;
	wire?: string | null;
	throws?: string;
	roundTrip?: boolean;
	back?: string;
	a?: string;
	b?: string;
	options?: { keyOrderSensitive: boolean };
	equal?: boolean;
	note?: string;
}

class Address {
	constructor(
		readonly city: string,
		readonly state: string,
	) {}
	typeName = () => 'Address';
	toJSONValue = () => ({ city: this.city, state: this.state });
}
class Box {
	constructor(readonly content: unknown) {}
	typeName = () => 'Box';
	toJSONValue = () => ({ content: EJSON.toJSONValue(this.content) });
}
class Unregistered {
	a = 1;
}
Object.assign(Unregistered.prototype, { typeName: () => 'Unregistered', toJSONValue: () => 'never used' });
class Plain {
	constructor(
		readonly a: unknown,
		readonly d: unknown,
	) {}
}
EJSON.addType('Address', (json) => new Address((json as Address).city, (json as Address).state));
EJSON.addType('Box', (json) => new Box(EJSON.fromJSONValue((json as { content: string }).content)));

const names: Record<string, unknown> = {
	Address,
	Box,
	ObjectID,
	Unregistered,
	Plain,
	Buffer,
	circular: () => {
		const circle: Record<string, unknown> = {};
		circle.self = circle;
		return circle;
	},
};

/** Evaluates the expression of a case in the context of this file, so that its dates are instances of this `Date`. */
function evaluate(js: string): unknown {
	return vm.runInThisContext(`(({${Object.keys(names)}}) => (${js}))`)(names);
}

function thrownBy(f: () => unknown): Error | undefined {
	try {
		f();
	} catch (error) {
		return error as Error;
	}
	return undefined;
}

/** Compares RegExps as texts. For EJSON all RegExps are equal. */
function expectEqual(actual: unknown, expected: unknown): void {
	if (expected instanceof RegExp) expect(String(actual)).to.equal(String(expected));
	else expect(EJSON.equals(actual, expected as never), `${EJSON.stringify(actual)}`).to.equal(true);
}

function encodeMessage(message: Record<string, unknown>): string {
	const { msg, id, collection, fields } = message;
	switch (msg as string) {
		case 'added':
			return codec.added(collection as never, id, fields as never);
		case 'changed':
			return codec.changed(collection as never, id, fields as never);
		case 'removed':
			return codec.removed(collection as never, id);
		case 'result': {
			const { error, details } = (message.error ?? {}) as { error?: number; details?: unknown };
			return error === undefined
				? codec.result(id as never, message.result)
				: codec.failure(id as never, new ClientError(error, undefined, details));
		}
		case 'error':
			return codec.protocolError(message.reason as never, message.offendingMessage);
		case 'pong':
			return codec.pong(id);
		case 'ready':
			return codec.ready(message.subs as never);
		case 'updated':
			return codec.updated((message.methods as string[])[0] as string);
		case 'connected':
			return codec.connected(message.session as never);
		case 'nosub':
			return codec.nosub(id as never);
		default:
			// Only clients send `method`, so the codec has no function for it.
			return `{"msg":"${msg}","id":"${id}","method":"${message.method}","params":${stringify(message.params)}}`;
	}
}

/** Returns null for a text that a session answers with `Bad request`. Throws Unreadable for `Parse error`. */
function decodeMessage(text: string): unknown {
	try {
		const message = codec.readMessage(text);
		return typeof message === 'object' ? message : null;
	} catch (error) {
		if (error instanceof Unreadable) throw error;
		return null;
	}
}

const cases = JSON.parse(readFileSync(path.resolve('test/contract/ejson-cases.json'), 'utf8')) as Case[];

describe('EJSON', () => {
	it('has more than 150 cases in the contract', () => {
		expect(cases.length).to.be.greaterThan(150);
	});

	const tests: Record<Case['kind'], (entry: Case) => void> = {
		encode({ js = '', wire, throws, roundTrip, back }) {
			if (throws !== undefined) {
				expect(thrownBy(() => stringify(evaluate(js)))).to.be.instanceOf(Error);
				return;
			}
			expect(stringify(evaluate(js))).to.equal(wire ?? undefined);
			if (wire === null || wire === undefined || roundTrip === undefined) return;
			const decoded = parse(wire);
			expect(EJSON.equals(decoded, evaluate(js) as never)).to.equal(roundTrip);
			if (back !== undefined) expectEqual(decoded, evaluate(back));
		},
		decode({ wire, js, throws }) {
			if (throws !== undefined) expect(thrownBy(() => parse(wire as string))).to.be.instanceOf(Error);
			else expectEqual(parse(wire as string), evaluate(js as string));
		},
		equals({ a = '', b = '', options, equal }) {
			expect(EJSON.equals(evaluate(a) as never, evaluate(b) as never, options)).to.equal(equal);
		},
		'ddp-encode'({ js = '', wire, throws }) {
			const message = evaluate(js) as Record<string, unknown>;
			// Roomkey answers a ping whose id is no string. Meteor does not (test/contract/ddp.md section 19).
			if (throws === 'Error: Message id is not a string') wire = '{"msg":"pong","id":5}';
			const text = encodeMessage(message);
			if (message.error === undefined) expect(text).to.equal(wire);
			else expect(JSON.parse(text).error).to.deep.include(JSON.parse(wire as string).error);
		},
		'ddp-decode'({ wire, js, throws }) {
			if (throws !== undefined) expect(thrownBy(() => decodeMessage(wire as string))).to.be.instanceOf(Unreadable);
			else expectEqual(decodeMessage(wire as string), evaluate(js as string));
		},
	};

	for (const entry of cases) {
		it(`${entry.kind} ${entry.js ?? entry.wire ?? `${entry.a} ${entry.b}`}`, () => tests[entry.kind](entry));
	}

	describe("with more checks than Meteor's EJSON", () => {
		const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

		it('reads up to the maximum number of values, in lists and in objects', () => {
			for (const element of ['1', '[]', '{}', '""', '[1]', '{"k":1}']) {
				// A list or object with one value counts as two values. The outer list is one more.
				const valuesPerElement = ['[1]', '{"k":1}'].includes(element) ? 2 : 1;
				const maxElements = Math.floor((MAX_VALUES - 1) / valuesPerElement);
				const list = (count: number) => `[${Array(count).fill(element).join()}]`;
				expect(parseJson(list(maxElements))).to.have.length(maxElements);
				expect(thrownBy(() => parseJson(list(maxElements + 1)))).to.be.instanceOf(Unreadable);
			}
		});

		it('reads up to the maximum depth', () => {
			expect(thrownBy(() => parseJson(nested(MAX_DEPTH)))).to.equal(undefined);
			expect(thrownBy(() => parseJson(nested(MAX_DEPTH + 1)))).to.be.instanceOf(Unreadable);
			expect(thrownBy(() => parseJson(nested(100_000)))).to.be.instanceOf(Unreadable);
		});

		for (const text of [
			'{"__proto__":1}',
			'[{"a":{"__proto__":{}}}]',
			'{"\\u005f_proto__":1}',
			'{"__pro\\u0074o__":1}',
		]) {
			it(`refuses the key __proto__ in ${text}`, () => {
				expect(thrownBy(() => parse(text))).to.be.instanceOf(Unreadable);
			});
		}

		it('accepts __proto__ as a value', () => {
			expect(parse('"__proto__"')).to.equal('__proto__');
		});

		it('recognizes a type whose $ is written as an escape', () => {
			expect(parse('{"\\u0024date":5}')).to.deep.equal(new Date(5));
		});

		it('treats an object with `callee` and a large `length` as an ordinary object', () => {
			const endless = { callee: 1, length: 2 ** 31 };
			const within = { a: [endless], $date: 1 };
			expect(parse(JSON.stringify(within))).to.deep.equal(within);
			expect(clone(within)).to.deep.equal(within);
			expect(stringify(within)).to.equal(JSON.stringify(within));
			expect(canonical(within)).to.equal('{"$date":1,"a":[{"callee":1,"length":2147483648}]}');
			const binary = { $Uint8ArrayPolyfill: 1, length: 2 ** 31 };
			expect(clone(binary)).to.deep.equal(binary);
			expect(stringify(binary)).to.equal(JSON.stringify(binary));
		});

		it('visits each part of a deep value once', () => {
			// Two visits of each part by its parent would be 2^1000 visits, and this test would not end.
			let deep: unknown = new Date(5);
			for (let i = 0; i < 1000; i++) deep = i % 2 ? [deep] : { a: deep };
			expect(stringify(deep)).to.equal(JSON.stringify(deep).replace(/"1970[^"]*"/, '{"$date":5}'));
		});

		it('refuses a long text or list in place of an object', () => {
			expect(parse('{"$escape":"ab"}')).to.deep.equal({ 0: 'a', 1: 'b' });
			expect(thrownBy(() => parse(`{"$escape":"${'a'.repeat(1000)}"}`))).to.be.instanceOf(Unreadable);
			expect(thrownBy(() => parse(JSON.stringify({ $escape: Array(1000).fill(1) })))).to.be.instanceOf(Unreadable);
			const text = JSON.stringify({ msg: 'pong', fields: 'a'.repeat(1000), cleared: [] });
			expect(thrownBy(() => codec.readMessage(text))).to.be.instanceOf(Unreadable);
		});

		it('replaces the error texts of the JavaScript engine by its own', () => {
			expect(thrownBy(() => decode({ $binary: 5 }))?.message).to.equal('not decodable as EJSON');
		});

		it('encodes and decodes ObjectIDs of MongoDB', () => {
			const id = new ObjectID('aaaaaaaaaaaaaaaaaaaaaaaa');
			expect(parse(stringify({ id }) as string)).to.deep.equal({ id });
			expect(clone({ id }).id).not.to.equal(id);
			expect(clone({ id })).to.deep.equal({ id });
			expect(thrownBy(() => parse('{"$type":"oid","$value":"x"}'))).to.be.instanceOf(Unreadable);
		});
	});
});

describe('ids of documents on the wire (test/contract/ddp.md section 2)', () => {
	for (const [js, wire] of [
		['"abc"', 'abc'],
		['""', ''],
		['"-a"', '--a'],
		['"~a"', '-~a'],
		['"{a"', '-{a'],
		['"aaaaaaaaaaaaaaaaaaaaaaaa"', '-aaaaaaaaaaaaaaaaaaaaaaaa'],
		['"AAAAAAAAAAAAAAAAAAAAAAAA"', 'AAAAAAAAAAAAAAAAAAAAAAAA'],
		['new ObjectID("aaaaaaaaaaaaaaaaaaaaaaaa")', 'aaaaaaaaaaaaaaaaaaaaaaaa'],
		['undefined', '-'],
		['5', '~5'],
		['null', '~null'],
		['true', '~true'],
	] as const) {
		it(`${js} is ${JSON.stringify(wire)}`, () => expect(codec.wireId(evaluate(js))).to.equal(wire));
	}

	it('cannot be made of objects other than ObjectIDs', () => {
		expect(() => codec.wireId({})).to.throw('Meteor does not currently support objects other than ObjectID as ids');
	});
});
