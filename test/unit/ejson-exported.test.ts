/** `EJSON`, as applications import it from `roomkey`. */
import { expect } from 'chai';
import { EJSON } from '../../server/index.js';

describe('EJSON', () => {
	it('has the functions of Meteor’s package', () => {
		const value = { when: new Date(5), list: [Number.NaN, new Uint8Array([1])] };
		expect(EJSON.parse(EJSON.stringify(value))).to.deep.equal(value);
		expect(EJSON.fromJSONValue(EJSON.toJSONValue(value))).to.deep.equal(value);
		expect(EJSON.equals({ a: 1, b: 2 }, { b: 2, a: 1 })).to.equal(true);
		expect(EJSON.clone(value)).to.deep.equal(value);
		expect(EJSON.clone(value)).not.to.equal(value);
	});

	it('encodes and decodes a type of the application', async () => {
		class Money {
			constructor(readonly cents: number) {}
			typeName = () => 'money-of-a-test';
			toJSONValue = () => this.cents;
			clone = () => new Money(this.cents);
			equals = (other: unknown) => other instanceof Money && other.cents === this.cents;
		}
		EJSON.addType('money-of-a-test', (cents) => new Money(cents as number));
		const read = EJSON.parse(EJSON.stringify({ price: new Money(5) })) as { price: Money };
		expect(read.price).to.be.instanceOf(Money).and.include({ cents: 5 });
	});
});
