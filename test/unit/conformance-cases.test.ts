/** The conformance suite: the form of its cases, and their holes, which are placeholders for values. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { check } from '../../shared/check.js';
import { Match } from '../../shared/match.js';
import { methods, publications } from '../conformance/adapter.js';
import { type Case, FEATURES, loadCases } from '../conformance/cases.js';
import { difference, fill, fillText } from '../conformance/match.js';

const Step = Match.OneOf(
	...[
		{ send: Match.Any },
		{ sendText: String },
		{ sendBinary: String },
		{ sendFrame: String },
		{ receive: Match.Any },
		{ receiveAll: [Match.Any] },
		{ receiveFrame: Match.Any },
		{ quiet: Match.OneOf('method', 'ping') },
		{ close: true },
		{ closed: Match.Any },
		{ http: Object, answer: Object },
	].map((step) => ({ ...step, on: Match.Optional(String) })),
);

const CaseForm = {
	name: String,
	section: String,
	level: Match.OneOf('C', 'M', 'Q'),
	needs: Match.Optional([Match.OneOf(...FEATURES)]),
	connect: Match.Optional(Match.OneOf('1', 'pre2', 'pre1', false)),
	path: Match.Optional(String),
	open: Match.Optional(true),
	steps: [Step],
};

/** Numbers of the sections of a page of the contract. */
const sectionsOf = (page: string) =>
	new Set(
		[...readFileSync(`test/contract/${page}`, 'utf8').matchAll(/^#+ (\d+(?:\.\d+)?)\.? /gm)].map(
			([, number]) => number,
		),
	);

describe('conformance cases', () => {
	const cases = loadCases();
	const exchangeOf = ({ connect, path, steps }: Case) => `${connect} ${path} ${JSON.stringify(steps)}`;

	it('are at least 300, each with a name of its own', () => {
		expect(cases.length).to.be.at.least(300);
		expect(new Set(cases.map(({ name }) => name)).size).to.equal(cases.length);
	});

	it('differ in their steps, or in how they connect', () => {
		const nameByExchange = new Map(cases.map((one) => [exchangeOf(one), one.name]));
		expect(cases.filter((one) => nameByExchange.get(exchangeOf(one)) !== one.name)).to.deep.equal([]);
	});

	it('have the form that test/conformance/README.md describes', () => {
		for (const one of cases) check(one, CaseForm);
	});

	it('each expect something of the server', () => {
		const expects = (step: object) =>
			['receive', 'receiveAll', 'receiveFrame', 'quiet', 'closed', 'answer'].some((key) => key in step);
		expect(cases.filter(({ steps }) => !steps.some(expects)).map(({ name }) => name)).to.deep.equal([]);
	});

	it('name a section of the contract', () => {
		const sections = new Map(['ddp.md', 'check.md'].map((page) => [page, sectionsOf(page)]));
		const isKnown = ({ section }: Case) => {
			const [page, number] = section.split(' ') as [string, string];
			return sections.get(page)?.has(number);
		};
		expect(cases.filter((one) => !isKnown(one)).map(({ section }) => section)).to.deep.equal([]);
	});

	it('use every method and publication of the adapter, and the README describes each', () => {
		const text = JSON.stringify(cases);
		const readme = readFileSync('test/conformance/README.md', 'utf8');
		for (const { name } of [...methods, ...publications]) {
			expect(text).to.include(`"${name}"`);
			expect(readme).to.include(`\`${name}(`);
		}
	});

	it('together need every feature that a server may lack', () => {
		const used = new Set(cases.flatMap(({ needs = [] }) => needs));
		expect([...used].sort()).to.deep.equal([...FEATURES]);
	});
});

const differs = (expected: unknown, actual: unknown) => difference(expected as never, actual, new Map()) !== undefined;

describe('a hole in conformance cases', () => {
	for (const [hole, fits, others] of [
		[{ '?': 'any' }, [null, 0, '', {}], [undefined]],
		[{ '?': 'string' }, ['', 'x'], [1, null, {}]],
		[{ '?': 'number' }, [0, 1.5], ['1', null]],
		[{ '?': 'integer' }, [0, -3], [1.5, '1']],
		[{ '?': 'object' }, [{}, { a: 1 }], [[], null, 'x']],
		[{ '?': 'array' }, [[], [1]], [{}, null]],
		[{ '?': 'id' }, ['23456789ABCDEFGHJ'], ['23456789ABCDEFGH', '01234567890123456', 5]],
		[{ '?': 'token' }, ['a'.repeat(43)], ['a'.repeat(42), `${'a'.repeat(42)} `]],
		[{ '?': 'date' }, [{ $date: 5 }], [{ $date: '5' }, { $date: 5, a: 1 }, 5]],
		[{ '?': 'text', matches: '^a+$' }, ['aa'], ['ab', 5]],
		[{ '?': 'includes', members: { a: 1 } }, [{ a: 1 }, { b: 2, a: 1 }], [{ a: 2 }, { b: 2 }, 5]],
		[{ '?': 'not', value: 5 }, [6, null, '5'], [5]],
	] as [object, unknown[], unknown[]][]) {
		it(`${JSON.stringify(hole)} matches the values it should, and no others`, () => {
			for (const value of fits) expect(differs(hole, value), JSON.stringify(value)).to.equal(false);
			for (const value of others) expect(differs(hole, value), JSON.stringify(value)).to.equal(true);
		});
	}

	it('expects the same value again, if it has a name', () => {
		const bindings = new Map();
		const hole = { '?': 'string', name: 'x' };
		expect(difference(hole, 'one', bindings)).to.equal(undefined);
		expect(difference(hole, 'one', bindings)).to.equal(undefined);
		expect(difference(hole, 'two', bindings)).to.include('not "one" as before');
		expect(fill({ a: [{ '?': 'bound', name: 'x' }] }, bindings)).to.deep.equal({ a: ['one'] });
	});

	it('has a fresh text in each run, if it is written <x>', () => {
		const bindings = new Map();
		const text = fill('<x>', bindings) as string;
		expect(text).to.match(/^x-[0-9a-f]{16}$/);
		expect(difference('<x>', text, bindings)).to.equal(undefined);
		expect(fillText('/a/<x>/b', bindings)).to.equal(`/a/${text}/b`);
		expect(fill('<x>', new Map())).to.not.equal(text);
		// Only `fillText` fills holes within a text.
		expect(fill('a <x> b', bindings)).to.equal('a <x> b');
	});

	it('is refused if it has no value to send, or an unknown kind', () => {
		expect(() => fill({ '?': 'string' }, new Map())).to.throw('has no value to send');
		expect(() => difference({ '?': 'strnig' }, 'x', new Map())).to.throw('There is no hole');
	});
});

describe('the comparison with conformance cases', () => {
	it('accepts another order of members, but no other difference outside of holes', () => {
		expect(differs({ a: [1, { b: 2 }], c: null }, { c: null, a: [1, { b: 2 }] })).to.equal(false);
		for (const other of [
			{ a: [1, { b: 2 }] },
			{ a: [1, { b: 2 }], c: null, d: 1 },
			{ a: [{ b: 2 }, 1], c: null },
			{ a: [1, { b: 2 }, 3], c: null },
			{ a: { 0: 1 }, c: null },
			null,
		]) {
			expect(differs({ a: [1, { b: 2 }], c: null }, other), JSON.stringify(other)).to.equal(true);
		}
	});

	it('names the place of a difference', () => {
		expect(difference({ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }, new Map())).to.equal(
			'expected 2, received 3 at a.1.b',
		);
	});
});
