/** `--allowed-origins`: pages of which origins may connect over WebSocket and SockJS. */
import { expect } from 'chai';
import { isAllowedOrigins, originCheck } from '../../server/http/origins.js';
import { startApp, type TestApp } from '../support/app.js';
import { RawHttp, upgradeRequest } from '../support/rawHttp.js';
import { request } from '../support/rest.js';
import { scrape } from '../support/scrape.js';

const PAGE = 'https://chat.example.com';
const EVIL = 'https://evil.example';
const PATHS = ['/websocket', '/sockjs/websocket', '/sockjs/000/abc/websocket'];

describe('the origin of a page that connects by DDP', () => {
	let app: TestApp;
	afterEach(() => app.close());

	async function upgrade(path: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
		const client = RawHttp.to(app.url).send(upgradeRequest(path, headers));
		while (!client.text.includes('\r\n\r\n')) await new Promise((resolve) => client.socket.once('data', resolve));
		client.socket.destroy();
		return { status: Number(client.text.split(' ')[1]), text: client.text };
	}
	const poll = (headers: Record<string, string>, path = '/sockjs/000/def/xhr', method = 'POST') =>
		request(app.url + path, { method, headers });

	it('may be any origin by default', async () => {
		app = await startApp();
		for (const path of PATHS) expect((await upgrade(path, { origin: EVIL })).status).to.equal(101);
		expect((await poll({ Origin: EVIL })).text).to.equal('o\n');
	});

	it('is refused with 403 before the upgrade, unless it is in the list', async () => {
		app = await startApp({ allowedOrigins: `https://other.example, ${PAGE}` });
		for (const path of PATHS) {
			expect((await upgrade(path, { origin: PAGE })).status).to.equal(101);
			const { status, text } = await upgrade(path, { origin: EVIL });
			expect(status).to.equal(403);
			expect(text).to.include('{"success":false,"error":"Pages of this origin may not connect"}');
		}
		// Version 8 of the WebSocket protocol has another header for the origin.
		const version8 = { 'sec-websocket-version': '8', 'sec-websocket-origin': EVIL };
		expect((await upgrade('/websocket', version8)).status).to.equal(403);
		for (const origin of ['null', `${PAGE}.evil.example`, 'https://chat.example.com:8443', 'chat.example.com', '']) {
			expect((await upgrade('/websocket', { origin })).status, origin).to.equal(403);
		}
	});

	it('is refused over SockJS polling, also by /sockjs/info and in preflight requests', async () => {
		app = await startApp({ allowedOrigins: PAGE });
		const allowed = await poll({ Origin: PAGE });
		expect(allowed.text).to.equal('o\n');
		expect(allowed.headers.get('access-control-allow-origin')).to.equal(PAGE);
		for (const [method, path] of [
			['POST', '/sockjs/000/new/xhr'],
			['POST', '/sockjs/000/def/xhr_send'],
			['GET', '/sockjs/info'],
			['OPTIONS', '/sockjs/000/new/xhr'],
		] as const) {
			const { status, text, headers } = await poll({ Origin: EVIL }, path, method);
			expect({ status, text }, path).to.deep.equal({ status: 403, text: 'Pages of this origin may not connect' });
			expect(headers.get('access-control-allow-origin')).to.equal(null);
		}
	});

	it('is not required of clients that are no browsers', async () => {
		app = await startApp({ allowedOrigins: 'own' });
		for (const path of PATHS) expect((await upgrade(path, {})).status).to.equal(101);
		expect((await poll({})).text).to.equal('o\n');
	});

	it('must match the host of the request if the setting is `own`', async () => {
		app = await startApp({ allowedOrigins: 'own' });
		const { host } = new URL(app.url);
		const statuses = async (host: string, ...origins: string[]) =>
			Promise.all(origins.map(async (origin) => (await upgrade('/websocket', { host, origin })).status));
		expect(await statuses(host, `http://${host}`, 'http://localhost', EVIL)).to.deep.equal([101, 403, 403]);
		// Behind a proxy that terminates TLS, the page has an https origin, but the server gets plain HTTP.
		const name = 'chat.example.com';
		expect(await statuses(name, PAGE, `http://${name}`, `${PAGE}:8443`)).to.deep.equal([101, 101, 403]);
		expect(await statuses(`${name}:443`, PAGE, `http://${name}`)).to.deep.equal([101, 403]);
	});

	it('is counted in the metrics when it is refused', async () => {
		app = await startApp({ allowedOrigins: 'own' });
		await upgrade('/websocket', { origin: EVIL });
		await poll({ Origin: EVIL });
		const metrics = await scrape(app.url);
		expect(metrics.sum('roomkey_connections_refused_total', { reason: 'origin' })).to.equal(2);
	});
});

describe('a list of origins', () => {
	it('is `*`, `own`, or origins, whose case and default ports do not matter', () => {
		const valid = ['*', 'own', PAGE, `${PAGE}, http://localhost:3000`, 'null', 'capacitor://localhost', 'file://'];
		for (const list of valid) expect(isAllowedOrigins(list), list).to.equal(true);
		const invalid = ['', 'chat.example.com', `${PAGE}/`, `${PAGE}/path`, `${PAGE},`, `${PAGE} ${EVIL}`, '*,own', 'Own'];
		for (const list of invalid) expect(isAllowedOrigins(list), list).to.equal(false);
		const socket = {};
		const allows = originCheck('HTTPS://Chat.example.com:443, http://a.example:80');
		for (const origin of [PAGE, 'http://a.example', 'https://chat.example.com:443'])
			expect(allows({ headers: { origin }, socket } as never), origin).to.equal(true);
	});
});
