/** The page at /api-docs in Chromium. */
import axe from 'axe-core';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import * as catalogue from '../../methods/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { startChromium } from '../support/chromium.js';
import { addPerson, addRoom, type Person } from '../support/people.js';

const WIDE = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740 };
const PASSWORD = 'a password that nobody else has';

interface AxeResult {
	readonly violations: { readonly id: string; readonly impact: string; readonly nodes: { readonly html: string }[] }[];
}

describe('the page at /api-docs', function () {
	this.timeout(120_000);
	let browser: Browser;
	let app: TestApp;
	let alice: Person;
	let page: Page;
	let errors: string[];

	before(async () => {
		app = await startApp();
		alice = await addPerson(app.store, { username: 'alice', password: PASSWORD });
		browser = await startChromium();
	});
	after(async () => {
		await browser?.close();
		await app?.close();
	});

	async function open(options: Parameters<Browser['newPage']>[0] = { viewport: WIDE }, hash = ''): Promise<void> {
		page = await browser.newPage(options);
		errors = [];
		page.on('pageerror', (error) => errors.push(error.message));
		page.on('console', (message) => {
			// Chromium also writes answers with an error status to the console.
			if (message.type() === 'error' && !message.text().includes('the server responded with'))
				errors.push(message.text());
		});
		await page.goto(`${app.url}/api-docs${hash}`);
		await page.waitForSelector('#entries[aria-busy=false]');
	}
	afterEach(async () => {
		await page?.context().close();
		expect(errors).to.deep.equal([]);
	});

	const entry = (id: string) => page.locator(`[id="${id}"]`);
	const answer = (id: string) => entry(id).locator('output pre');

	async function logIn(): Promise<void> {
		await page.getByLabel('User name or e-mail').fill('alice');
		await page.getByLabel('Password').fill(PASSWORD);
		await page.getByRole('button', { name: 'Log in' }).click();
		await page.getByText('You are logged in as alice.').waitFor();
	}

	async function openAll(): Promise<void> {
		await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
		await page.locator('[id="stream.room-messages"] form').waitFor();
	}

	/** Opens entries that together have every part that an entry can have. */
	async function openVariety(): Promise<void> {
		const ids = [
			'method.me',
			'method.e2e.roomState',
			'method.e2e.provideUsersSuggestedGroupKeys',
			'method.rooms.saveRoomSettings',
		];
		for (const id of [...ids, 'method.users.resetE2EKey', 'publication.userData', 'stream.notify-user', 'type-Room']) {
			await page.evaluate(`document.getElementById('${id}').open = true`);
		}
		await entry('stream.notify-user').locator('form').waitFor();
	}

	it('lists every method, publication and stream', async () => {
		await open();
		const titles = await page.locator('details.entry h3').allTextContents();
		for (const { name } of catalogue.methods) expect(titles).to.include(name);
		for (const { name } of catalogue.publications)
			expect(titles).to.include(name ?? 'every client, without a subscription');
		for (const { name } of catalogue.streams) expect(titles).to.include(`stream-${name}`);
		await entry('method.e2e.setRoomKeyID').locator('summary').click();
		const text = await entry('method.e2e.setRoomKeyID').innerText();
		expect(text).to.include('e2e.setRoomKeyID(rid, keyID)');
		expect(text).to.include('POST /api/v1/e2e.setRoomKeyID');
		expect(text).to.include('600 per minute of each caller');
		expect(text).to.include('error-room-e2e-key-already-exists E2E Key ID already exists');
	});

	it('loads everything from the server itself, in less than 100 kB', async () => {
		page = await browser.newPage();
		errors = [];
		const urls: string[] = [];
		const sizes: Promise<number>[] = [];
		page.on('response', (response) => {
			urls.push(response.url());
			sizes.push(
				response
					.request()
					.sizes()
					.then(({ responseBodySize }) => responseBodySize),
			);
		});
		await page.goto(`${app.url}/api-docs`);
		await page.waitForSelector('#entries[aria-busy=false]');
		expect(urls.filter((url) => !url.startsWith(`${app.url}/`))).to.deep.equal([]);
		expect(urls).to.include(`${app.url}/asyncapi.json`);
		const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
		expect(total).to.be.greaterThan(10_000).and.below(100_000);
	});

	it('logs in, and calls a method over REST and over DDP', async () => {
		await open();
		await logIn();
		await entry('method.me').locator('summary').click();
		await entry('method.me').getByRole('button', { name: 'Call me' }).click();
		await answer('method.me').waitFor();
		expect(JSON.parse(await answer('method.me').innerText())).to.include({
			_id: alice.id,
			username: 'alice',
			success: true,
		});
		await entry('method.me').getByLabel('DDP').check();
		await entry('method.me').getByRole('button', { name: 'Call me' }).click();
		await entry('method.me').getByText('me()', { exact: true }).nth(1).waitFor();
		const result = JSON.parse(await answer('method.me').innerText());
		expect(result).to.include({ _id: alice.id, username: 'alice' }).and.not.to.have.property('success');
	});

	it('closes a DDP connection whose login fails', async () => {
		await open();
		await page.getByText('Use a user id and a token').click();
		await page.getByLabel('User id').fill(alice.id);
		await page.getByLabel('Token').fill('a token that nobody has');
		await page.getByRole('button', { name: 'Use them' }).click();
		const closed = page.waitForEvent('websocket').then((socket) => socket.waitForEvent('close'));
		await entry('method.me').locator('summary').click();
		await entry('method.me').getByLabel('DDP').check();
		await entry('method.me').getByRole('button', { name: 'Call me' }).click();
		await entry('method.me').getByText('The login over DDP failed').waitFor();
		await closed;
	});

	it('sends texts, lists and numbers, and shows the error of a refused call', async () => {
		await open({ viewport: WIDE }, '#method.e2e.setRoomKeyID');
		await logIn();
		const rid = await addRoom(app.store, [alice], { encrypted: true });
		const form = entry('method.e2e.setRoomKeyID');
		await form.getByLabel('rid').fill(rid);
		await form.getByLabel('keyID').fill('key-of-the-page');
		await form.getByRole('button').click();
		await form.getByText('200 OK').waitFor();
		expect((await app.store.rooms.findOne({ _id: rid }))?.e2eKeyId).to.equal('key-of-the-page');
		await form.getByRole('button').click();
		await form.getByText('400 Bad Request').waitFor();
		expect(await answer('method.e2e.setRoomKeyID').innerText()).to.include('error-room-e2e-key-already-exists');

		await entry('method.e2e.fetchUsersWaitingForGroupKey').locator('summary').click();
		const lists = entry('method.e2e.fetchUsersWaitingForGroupKey');
		await lists.getByLabel('roomIds').fill('[not JSON');
		await lists.getByRole('button').click();
		await lists.getByText('roomIds is not JSON').waitFor();
		await lists.getByLabel('roomIds').fill(JSON.stringify([rid]));
		await lists.getByRole('button').click();
		await lists.getByText('200 OK').waitFor();

		await entry('method.e2e.roomState').locator('summary').click();
		const paged = entry('method.e2e.roomState');
		await paged.getByLabel('rid').fill(rid);
		await paged.getByLabel('count').fill('1');
		await paged.getByRole('button').click();
		await paged.getByText('200 OK').waitFor();
		expect(JSON.parse(await answer('method.e2e.roomState').innerText())).to.include({ rid, count: 1 });
	});

	it('fills the path of a route, and leaves out optional arguments', async () => {
		await open({ viewport: WIDE }, '#method.settings.getOne');
		await logIn();
		const form = entry('method.settings.getOne');
		await form.getByLabel('_id').fill('E2E_Enable');
		await form.getByRole('button').click();
		await form.getByText('GET /api/v1/settings/E2E_Enable').waitFor();
		await form.getByText('200 OK').waitFor();
		await entry('method.rooms.get').locator('summary').click();
		await entry('method.rooms.get').getByRole('button').click();
		await entry('method.rooms.get').locator('output').getByText('GET /api/v1/rooms.get', { exact: true }).waitFor();
	});

	it('subscribes to a publication and to a stream, shows the messages, and stops', async () => {
		await open({ viewport: WIDE }, '#publication.userData');
		await logIn();
		const data = entry('publication.userData');
		await data.getByRole('button', { name: 'Subscribe' }).click();
		await data.locator('li', { hasText: '"collection":"users"' }).first().waitFor();
		await data.getByText('Subscribed.').waitFor();
		await entry('stream.notify-user').locator('summary').click();
		const stream = entry('stream.notify-user');
		await stream.getByLabel('event name').fill(`${alice.id}/subscriptions-changed`);
		await stream.getByRole('button', { name: 'Subscribe' }).click();
		await stream.getByText('Subscribed.').waitFor();
		await entry('method.groups.create').locator('summary').click();
		await entry('method.groups.create').getByLabel('name').fill('made-here');
		await entry('method.groups.create').getByRole('button').click();
		await stream.locator('.messages li', { hasText: 'made-here' }).first().waitFor();
		await stream.getByRole('button', { name: 'Stop' }).click();
		await stream.getByText('The subscription has ended.').waitFor();
		await stream.getByLabel('event name').fill('somebody-else/rooms-changed');
		await stream.getByRole('button', { name: 'Subscribe' }).click();
		await stream.getByText('Refused: not-allowed').waitFor();
	});

	it('finds entries by an error code, and shows all again without a search text', async () => {
		await open();
		const visible = page.locator('details.entry:visible');
		const all = await visible.count();
		await page.getByLabel('Search').fill('error-key-in-use');
		await page.getByText(/^\d+ found$/).waitFor();
		const shown = await visible.locator('h3').allTextContents();
		expect(shown).to.include('e2e.updateGroupKey').and.not.to.include('e2e.setRoomKeyID');
		await page.getByLabel('Search').fill('');
		expect(await visible.count())
			.to.equal(all)
			.and.be.greaterThan(shown.length);
	});

	it('forgets the credentials when it is loaded again', async () => {
		await open();
		await logIn();
		expect(await page.getByLabel('Password').inputValue()).to.equal('');
		const stored = '[localStorage.length, sessionStorage.length, document.cookie]';
		expect(await page.evaluate(stored)).to.deep.equal([0, 0, '']);
		await page.getByRole('button', { name: 'Forget the credentials' }).click();
		await page.getByText('You are not logged in.').waitFor();
		await logIn();
		await page.reload();
		await page.getByText('You are not logged in.').waitFor();
	});

	it('works by keyboard alone', async () => {
		await open();
		await page.keyboard.press('Tab');
		expect(await page.evaluate('document.activeElement.textContent')).to.equal('Skip to the reference');
		await page.keyboard.press('/');
		await page.keyboard.type('settings.public');
		await page.keyboard.press('Enter');
		await entry('method.settings.public').locator('form').waitFor();
		expect(await page.evaluate('document.activeElement.innerText')).to.include('settings.public');
		for (let tabs = 0; tabs < 20; tabs++) {
			await page.keyboard.press('Tab');
			if ((await page.evaluate('document.activeElement.textContent')) === 'Call settings.public') break;
		}
		await page.keyboard.press('Enter');
		await entry('method.settings.public').getByText('200 OK').waitFor();
		await page.keyboard.press('Tab');
		expect(await page.evaluate('document.activeElement.textContent')).to.include('"settings": [');
	});

	it('does not scroll sideways on a phone, with everything open', async () => {
		for (const width of [320, PHONE.width]) {
			await open({ viewport: { ...PHONE, width } });
			await openAll();
			expect(await page.evaluate('document.documentElement.scrollWidth'), `${width}`).to.equal(width);
			await page.context().close();
		}
		await open({ viewport: PHONE, hasTouch: true });
		await page.getByText('Contents').tap();
		await page.getByRole('link', { name: 'e2e.fetchMyKeys' }).tap();
		await entry('method.e2e.fetchMyKeys').getByRole('button').tap();
		await entry('method.e2e.fetchMyKeys').getByText('401 Unauthorized').waitFor();
	});

	for (const colorScheme of ['light', 'dark'] as const) {
		for (const [name, viewport] of Object.entries({ wide: WIDE, phone: PHONE })) {
			it(`passes the checks of axe in ${colorScheme} colours on a ${name} screen`, async () => {
				await open({ viewport, colorScheme });
				await openVariety();
				await entry('method.me').getByRole('button', { name: 'Call me' }).click();
				await answer('method.me').waitFor();
				await page.evaluate(axe.source);
				const { violations } = (await page.evaluate('axe.run()')) as AxeResult;
				const found = violations.map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes[0]?.html}`);
				expect(found).to.deep.equal([]);
			});
		}
	}
});
