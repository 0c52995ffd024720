/** Shows the reference of the server, from its AsyncAPI document. */
import * as credentials from './credentials.js';
import { byId, el } from './elements.js';
import { chaptersOf } from './entries.js';

const WIDE = matchMedia('(min-width: 60rem)');

function section({ title, entries }, i) {
	const id = `chapter-${i}`;
	return el('section', { 'aria-labelledby': id }, el('h2', { id }, title), ...entries.map(({ element }) => element));
}

function links({ title, entries }) {
	const items = entries.map((entry) => el('li', {}, el('a', { href: `#${entry.id}` }, entry.title)));
	return el('div', {}, el('h2', {}, title), el('ul', {}, ...items));
}

/** Opens the entry that the fragment of the URL names. */
function openLinkedEntry() {
	const entry = document.getElementById(decodeURIComponent(location.hash.slice(1)));
	if (!(entry instanceof HTMLDetailsElement) || entry.id === 'contents') return;
	entry.open = true;
	if (!WIDE.matches) byId('contents').removeAttribute('open');
	entry.scrollIntoView();
	entry.querySelector('summary')?.focus({ preventScroll: true });
}

/** Shows only the entries that contain all words of a search. `sections` and `contents` are by chapter. */
function showMatches(chapters, sections, contents, text) {
	const words = text.toLowerCase().split(/\s+/).filter(Boolean);
	let count = 0;
	chapters.forEach(({ entries }, i) => {
		let countInChapter = 0;
		entries.forEach((entry, j) => {
			const isFound = words.every((word) => entry.text.includes(word));
			entry.element.hidden = !isFound;
			contents[i].querySelectorAll('li')[j].hidden = !isFound;
			if (isFound) countInChapter++;
		});
		sections[i].hidden = countInChapter === 0;
		contents[i].hidden = countInChapter === 0;
		count += countInChapter;
	});
	byId('found').textContent = words.length === 0 ? '' : `${count} found`;
}

function startSearch(chapters, sections, contents) {
	const search = /** @type {HTMLInputElement} */ (byId('search'));
	search.addEventListener('input', () => showMatches(chapters, sections, contents, search.value));
	byId('find').addEventListener('submit', (event) => {
		event.preventDefault();
		const first = chapters.flatMap(({ entries }) => entries).find(({ element }) => !element.hidden);
		if (first) location.hash = first.id;
	});
	document.addEventListener('keydown', (event) => {
		// A slash puts the cursor into the search, unless the user types into a field.
		const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
		const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
		if (event.key !== '/' || hasModifier || isTyping) return;
		event.preventDefault();
		search.focus();
	});
}

async function start() {
	credentials.startForms();
	const entries = byId('entries');
	const showContents = () => byId('contents').toggleAttribute('open', WIDE.matches);
	showContents();
	WIDE.addEventListener('change', showContents);
	try {
		const response = await fetch('asyncapi.json');
		if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
		const document = await response.json();
		byId('version').textContent = document.info.version;
		byId('account').hidden = !('method.login' in document.channels);
		const chapters = chaptersOf(document);
		const sections = chapters.map(section);
		const contents = chapters.map(links);
		entries.replaceChildren(...sections);
		byId('links').append(...contents);
		startSearch(chapters, sections, contents);
		openLinkedEntry();
		addEventListener('hashchange', openLinkedEntry);
	} catch (error) {
		entries.replaceChildren(el('p', { role: 'alert' }, `The reference could not be loaded: ${error.message}`));
	}
	entries.setAttribute('aria-busy', 'false');
}

start();
