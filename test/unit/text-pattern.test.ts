/** The pattern of a text with a limited length. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { DefinitionError } from '../../shared/definition.js';
import { Match } from '../../shared/match.js';
import { Text } from '../../shared/text.js';

describe('the pattern Text', () => {
	it('accepts texts of `min` to `max` characters', () => {
		const pattern = Text({ min: 2, max: 4 });
		const accepted = ['', 'a', 'ab', 'abcd', 'abcde', 'a\nb'].filter((text) => Match.test(text, pattern));
		expect(accepted).to.deep.equal(['ab', 'abcd', 'a\nb']);
	});

	it('accepts the empty text by default, and nothing that is no text', () => {
		const pattern = Text({ max: 4 });
		const accepted = ['', null, undefined, 12, ['ab'], { length: 2 }].filter((value) => Match.test(value, pattern));
		expect(accepted).to.deep.equal(['']);
	});

	it('refuses control characters and unpaired surrogates with `oneLine`', () => {
		const pattern = Text({ max: 4, oneLine: true });
		const accepted = ['a b', 'é🔑', 'a\nb', 'a\u0000', 'a\u0085', '\ud83d'].filter((text) => Match.test(text, pattern));
		expect(accepted).to.deep.equal(['a b', 'é🔑']);
	});

	it('counts Unicode code points, as JSON Schema does', () => {
		const pattern = Text({ min: 2, max: 4 });
		const accepted = ['🔑', '🔑🔑', '🔑🔑🔑🔑', '🔑🔑🔑🔑🔑'].filter((text) => Match.test(text, pattern));
		expect(accepted).to.deep.equal(['🔑🔑', '🔑🔑🔑🔑']);
	});

	it('has a JSON Schema that accepts the same texts', () => {
		const texts = ['', 'a', 'a b', 'é🔑', '🔑🔑🔑🔑🔑', 'abcde', 'a\nb', 'a\n', 'a\u0000', 'a\u0085', '\ud83d'];
		for (const limits of [
			{ max: 4 },
			{ min: 2, max: 4 },
			{ max: 4, oneLine: true },
			{ min: 1, max: 3, oneLine: true },
		]) {
			const { shape } = Text(limits);
			const validate = new Ajv2020().compile((shape as { schema: object }).schema);
			const accepts = (text: string) => Match.test(text, Text(limits));
			expect(
				texts.filter((text) => validate(text)),
				JSON.stringify(limits),
			).to.deep.equal(texts.filter(accepts));
		}
	});

	it('names the limits in the match error', () => {
		const texts = [{ max: 0 }, { max: 10_000 }, { min: 1, max: 100, oneLine: true }].map(
			(limits) => Text(limits).fault(5)?.text,
		);
		expect(texts).to.deep.equal([
			'Expected text of at most 0 characters',
			'Expected text of at most 10,000 characters',
			'Expected text of 1 to 100 characters on one line',
		]);
	});

	it('refuses wrong limits', () => {
		const wrong: unknown[] = [
			undefined,
			{},
			{ max: '5' },
			{ max: -1 },
			{ max: 1.5 },
			{ max: 5, min: 6 },
			{ max: 5, long: true },
		];
		const messages = wrong.map((limits) => {
			try {
				Text(limits as never);
			} catch (error) {
				return error instanceof DefinitionError && error.message;
			}
			return 'accepted';
		});
		const notANumber = "max of pattern 'Text' must be a whole number of characters, 0 or more";
		expect(messages).to.deep.equal([
			'A pattern must be defined by an object',
			notANumber,
			notANumber,
			notANumber,
			notANumber,
			"min of pattern 'Text' must not be greater than max",
			"pattern 'Text' has no member 'long'; its members are min, max, oneLine",
		]);
	});
});
