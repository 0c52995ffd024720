/** How the arguments of a method are read from a REST request: dates, lists, numbers and booleans. */
import { expect } from 'chai';
import { createServer, Match, method, type RoomkeyServer } from '../../server/index.js';
import { memoryLog } from '../support/log.js';
import { request } from '../support/rest.js';

describe('arguments over REST', () => {
	let server: RoomkeyServer;
	let received: unknown;

	const recordingMethod = (name: string, verb: 'GET' | 'POST', pattern: unknown) =>
		method({
			name,
			summary: 'for a test',
			anonymous: true,
			args: { value: pattern as never },
			rest: verb,
			run({ value }: { value: unknown }) {
				received = value;
			},
		} as never);

	const patterns = {
		date: Date,
		maybeDate: Match.Maybe(Date),
		dates: [Date],
		nested: { since: Match.Optional(Date), note: String },
		textOrDate: Match.OneOf(String, Date),
		either: Match.OneOf({ id: String }, { since: Date }, [Number], [Date]),
		byName: Match.ObjectWithValues(Date),
		maybeNumbers: [Match.Maybe(Number)],
		numbers: [Number],
		booleans: [Boolean],
		texts: [String],
	};

	before(async () => {
		const methods = Object.entries(patterns).flatMap(([name, pattern]) => [
			recordingMethod(`read.${name}`, 'GET', pattern),
			recordingMethod(`write.${name}`, 'POST', pattern),
		]);
		server = await createServer({ port: 0, store: { memory: true }, log: memoryLog(), methods, rateLimit: 'off' });
	});
	after(() => server.close());

	const query = async (name: string, text: string) => {
		received = undefined;
		const { status, body } = await request(`${server.url}/api/v1/read.${name}?${text}`);
		return status === 200 ? received : body.error;
	};
	const json = async (name: string, value: unknown) => {
		received = undefined;
		const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ value }) };
		const { status, body } = await request(`${server.url}/api/v1/write.${name}`, init);
		return status === 200 ? received : body.error;
	};

	const noon = new Date('2026-01-31T12:00:00.000Z');

	it('become dates from ISO text, unless the pattern accepts the text', async () => {
		for (const send of [(name: string, text: string) => query(name, `value=${text}`), json]) {
			expect(await send('date', '2026-01-31T12:00:00.000Z')).to.deep.equal(noon);
			expect(await send('date', '2026-01-31T12:00Z')).to.deep.equal(noon);
			expect(await send('date', '2026-01-31')).to.deep.equal(new Date('2026-01-31T00:00:00.000Z'));
			expect(await send('maybeDate', '2026-01-31T12:00:00.000Z')).to.deep.equal(noon);
			expect(await send('textOrDate', '2026-01-31')).to.equal('2026-01-31');
			for (const text of ['yesterday', '2026', '2026-13-45', '2026-02-31', '2026-04-31T12:00:00Z', '31.1.2026'])
				expect(await send('date', text), text).to.match(/^Match error: Expected Date/);
		}
		expect(await json('dates', ['2026-01-31T12:00:00.000Z'])).to.deep.equal([noon]);
		expect(await json('nested', { since: '2026-01-31T12:00:00.000Z', note: '2026-01-31' })).to.deep.equal({
			since: noon,
			note: '2026-01-31',
		});
		expect(await json('either', { since: '2026-01-31' })).to.deep.equal({ since: new Date('2026-01-31') });
		expect(await json('either', ['2026-01-31'])).to.deep.equal([new Date('2026-01-31')]);
		expect(await json('byName', { first: '2026-01-31' })).to.deep.equal({ first: new Date('2026-01-31') });
		expect(await json('nested', { since: '2026-01-31', note: 5 })).to.equal(
			'Match error: Expected string, got number in field note',
		);
		expect(await json('nested', { since: 'soon', note: 'x' })).to.equal('Match error: Expected Date in field since');
		expect(
			await query('nested', `value=${encodeURIComponent('{"since":"2026-01-31T12:00:00Z","note":"x"}')}`),
		).to.deep.equal({ since: noon, note: 'x' });
	});

	it('become lists from one text, a repeated name, a name with [], or JSON', async () => {
		expect(await query('numbers', 'value=1')).to.deep.equal([1]);
		expect(await query('numbers', 'value=1&value=2.5')).to.deep.equal([1, 2.5]);
		// `value` is read before `value[]`.
		expect(await query('numbers', 'value[]=1&value=2')).to.deep.equal([2, 1]);
		expect(await query('numbers', 'value=[1,2]')).to.deep.equal([1, 2]);
		expect(await query('booleans', 'value=true&value=false')).to.deep.equal([true, false]);
		expect(await query('dates', 'value=2026-01-31T12:00:00Z&value=2026-01-31T12:00:00Z')).to.deep.equal([noon, noon]);
		expect(await query('texts', 'value[]=a&value=b')).to.have.members(['a', 'b']);
		expect(await query('maybeNumbers', 'value=a&value=1')).to.match(/^Match error/);
		expect(await query('numbers', 'value=1&value=x')).to.match(/^Match error/);
	});

	it('are read completely from a query or a form of 1,500 values', async () => {
		const texts = Array.from({ length: 1500 }, (_, i) => `${i}`);
		const fields = texts.map((text) => `value=${text}`).join('&');
		expect(await query('texts', fields)).to.deep.equal(texts);
		const headers = { 'content-type': 'application/x-www-form-urlencoded' };
		const send = (body: string) => request(`${server.url}/api/v1/write.texts`, { method: 'POST', headers, body });
		expect((await send(fields)).status).to.equal(200);
		expect(received).to.deep.equal(texts);
		expect((await send(`${fields}&other=1`)).body).to.include({ errorType: 'invalid-params' });
	});

	it('are read from a form whatever the case of its content type', async () => {
		const headers = { 'content-type': 'Application/X-WWW-Form-Urlencoded' };
		await request(`${server.url}/api/v1/write.numbers`, { method: 'POST', headers, body: 'value=1&value=2' });
		expect(received).to.deep.equal([1, 2]);
	});

	it('are refused with the reason if the body cannot be read', async () => {
		const send = async (body: string, headers: Record<string, string> = {}) => {
			const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body };
			const { status, body: answer } = await request(`${server.url}/api/v1/write.texts`, init);
			return [status, answer.error];
		};
		expect(await send('{"value":[}')).to.deep.equal([400, 'The body is not valid JSON']);
		expect(await send(`{"value":${'['.repeat(500)}${']'.repeat(500)}}`)).to.deep.equal([
			400,
			'The body is refused: nested too deep',
		]);
		expect(await send(`{"value":[${'1,'.repeat(100_001)}1]}`)).to.deep.equal([
			400,
			'The body is refused: too many values',
		]);
		expect(await send('x', { 'content-encoding': 'gzip' })).to.deep.equal([
			415,
			'The body must not have a Content-Encoding',
		]);
		const asForm = { 'content-type': 'application/x-www-form-urlencoded' };
		expect(await send('value=x', { ...asForm, 'content-encoding': 'gzip' })).to.deep.equal([
			415,
			'The body must not have a Content-Encoding',
		]);
		expect(await send(`value=${'&'.repeat(100_000)}`, asForm)).to.deep.equal([
			400,
			'The body is refused: too many values',
		]);
	});
});
