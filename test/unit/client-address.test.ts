/** The address of a client behind proxies (test/contract/ddp.md section 13). */
import { expect } from 'chai';
import { addressReader, isNetworkList } from '../../server/core/limits/address.js';

describe('the address of a client', () => {
	for (const [count, header, address] of [
		[0, undefined, '10.0.0.1'],
		[0, '1.2.3.4, 5.6.7.8', '10.0.0.1'],
		[1, undefined, null],
		[1, '', null],
		[1, '1.2.3.4, 5.6.7.8', '5.6.7.8'],
		[1, ' 1.2.3.4 ,5.6.7.8 ', '5.6.7.8'],
		[2, '1.2.3.4, 5.6.7.8', '1.2.3.4'],
		[3, '1.2.3.4, 5.6.7.8', null],
		[-1, '1.2.3.4, 5.6.7.8', null],
		[1, '8.8.8.8:1234', '8.8.8.8'],
		[1, '9.9.9.9:1, 8.8.8.8:65535', '8.8.8.8'],
		[1, '[2001:db8::1]:99', '2001:db8::1'],
		[1, '[2001:db8::1]', '2001:db8::1'],
		[1, '2001:db8::1', '2001:db8::1'],
		[1, '::ffff:1.2.3.4', '::ffff:1.2.3.4'],
		[1, 'unknown', 'unknown'],
	] as const) {
		it(`is ${address} behind ${count} proxies with x-forwarded-for ${JSON.stringify(header)}`, () => {
			const headers = header === undefined ? {} : { 'x-forwarded-for': header };
			expect(addressReader({ count })({ headers, socket: { remoteAddress: '10.0.0.1' } })).to.equal(address);
		});
	}

	for (const [networks, peer, header, address] of [
		['10.0.0.0/8', '10.0.0.1', undefined, '10.0.0.1'],
		['10.0.0.0/8', '10.0.0.1', '1.2.3.4', '1.2.3.4'],
		['10.0.0.0/8', '::ffff:10.0.0.1', '1.2.3.4', '1.2.3.4'],
		['10.0.0.0/8', '5.6.7.8', '1.2.3.4', '5.6.7.8'],
		['10.0.0.0/8', '10.0.0.1', '9.9.9.9, 1.2.3.4', '1.2.3.4'],
		['10.0.0.0/8', '10.0.0.1', '9.9.9.9, 1.2.3.4, 10.0.0.2,10.0.0.3', '1.2.3.4'],
		['10.0.0.0/8', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
		['10.0.0.0/8, 1.2.3.4', '10.0.0.1', '5.6.7.8, 1.2.3.4', '5.6.7.8'],
		['private', '192.168.1.1', '1.2.3.4:567', '1.2.3.4'],
		['loopback', '127.0.0.1', '2001:db8::1', '2001:db8::1'],
		['loopback', '::1', '[2001:db8::1]:5', '2001:db8::1'],
		['fd00::/8', 'fd12::1', '1.2.3.4, ::ffff:8.8.8.8', '::ffff:8.8.8.8'],
		['loopback', '127.0.0.1', '1.2.3.4, unknown', null],
		['loopback', '127.0.0.1', '1.2.3.4, 127.1', null],
		['loopback', '127.0.0.1', '1.2.3.4,', null],
		['loopback', undefined, '1.2.3.4', null],
	] as const) {
		it(`is ${address} for ${peer} with x-forwarded-for ${JSON.stringify(header)} where ${networks} are trusted`, () => {
			const headers = header === undefined ? {} : { 'x-forwarded-for': header };
			const socket = peer === undefined ? {} : { remoteAddress: peer };
			expect(addressReader({ networks })({ headers, socket })).to.equal(address);
		});
	}

	it('is read with a list of trusted networks: addresses, CIDR blocks, `loopback` and `private`, nothing else', () => {
		const valid = ['10.0.0.0/8', '::1', '1.2.3.4', '2001:db8::/32', 'loopback, private,10.1.2.3'];
		for (const list of valid) expect(isNetworkList(list), list).to.equal(true);
		const invalid = ['', '10.0.0.0/33', '10.1', '10', 'localhost', '10.0.0.0/8;', '10.0.0.1,', '*', '1.2.3.4:80'];
		for (const list of invalid) expect(isNetworkList(list), list).to.equal(false);
	});

	it('is null if the socket has no address any more', () => {
		expect(addressReader({})({ headers: {}, socket: {} })).to.equal(null);
	});
});
