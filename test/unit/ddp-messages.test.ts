/** test/contract/ddp.md section 9: when an error contains the refused message. */
import { expect } from 'chai';
import { parseRequest } from '../../server/ddp/codec.js';

describe('a message that is refused (9)', () => {
	it('is returned in the error if it is short', () => {
		const message = { msg: 'foo', a: 1 };
		expect(parseRequest(message, JSON.stringify(message))).to.equal(
			'{"msg":"error","reason":"Bad request","offendingMessage":{"msg":"foo","a":1}}',
		);
	});

	it('is left out if its encoding in the error is long, even if its frame is short', () => {
		const message = { msg: 'foo', params: [new Uint8Array(700)] };
		expect(parseRequest(message, '')).to.equal('{"msg":"error","reason":"Bad request"}');
	});

	it('is not encoded if its frame is long', () => {
		const message = { msg: 'foo', toJSON: () => expect.fail('encoded') };
		expect(parseRequest(message, ' '.repeat(1025))).to.equal('{"msg":"error","reason":"Bad request"}');
	});
});
