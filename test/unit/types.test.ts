/** Types that TypeScript must accept, and others that it must refuse. Otherwise the build fails. */
import { expect } from 'chai';
import { object, optional, string } from 'superstruct';
import { check } from '../../shared/check.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import type { Infer } from '../../shared/pattern.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Does not compile unless its type argument is true. */
function holds<_ extends true>(): void {}

const pattern = {
	a: String,
	b: [Number],
	c: Match.Optional(Boolean),
	d: { when: Date },
	e: 'x',
	f: Match.OneOf(String, null),
	g: Match.Maybe(String),
	h: object({ i: string() }),
	j: optional(string()),
} as const;

describe('types', () => {
	it('follow from patterns', () => {
		holds<
			Equal<
				Infer<typeof pattern>,
				{
					a: string;
					b: number[];
					d: { when: Date };
					e: 'x';
					f: string | null;
					h: { i: string };
					c?: boolean;
					g?: string;
					j?: string | undefined;
				}
			>
		>();
		holds<Equal<Infer<typeof Match.Integer>, number>>();
		holds<Equal<Infer<undefined>, undefined>>();
	});

	it('are known after check', () => {
		const value: unknown = { a: 'x' };
		check(value, { a: String });
		holds<Equal<typeof value.a, string>>();
		expect(value.a.length).to.equal(1);
	});

	it('reach the arguments of a method', () => {
		const defined = method({
			name: 'typed',
			summary: 'for a test',
			args: {
				rid: String,
				count: Match.Optional(Number),
				both: Match.OneOf(String, Number),
				maybe: Match.Maybe(String),
			},
			run({ rid, count, both, maybe }, { userId }) {
				holds<Equal<typeof rid, string>>();
				holds<Equal<typeof count, number | undefined>>();
				holds<Equal<typeof both, string | number>>();
				holds<Equal<typeof maybe, string | null | undefined>>();
				holds<Equal<typeof userId, string>>();
				// @ts-expect-error a string is no number
				const wrong: number = rid;
				return wrong;
			},
		});
		expect(defined.args.map(([name]) => name)).to.deep.equal(['rid', 'count', 'both', 'maybe']);
	});

	it('make userId nullable in an anonymous method', () => {
		method({
			name: 'anonymous',
			summary: 'for a test',
			anonymous: true,
			args: {},
			run(_args, { userId }) {
				holds<Equal<typeof userId, string | null>>();
				// @ts-expect-error it may be null
				return userId.length;
			},
		});
	});

	it('refuse arguments that are not defined', () => {
		// @ts-expect-error there is no argument of that name
		method({ name: 'x', summary: 'for a test', args: { rid: String }, run: ({ room }) => room });
	});
});
