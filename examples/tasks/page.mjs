/** The page: logs in or signs up, and shows the tasks as the server publishes them. */
import SimpleDDP from 'simpleddp';

const client = new SimpleDDP({
	endpoint: `${location.origin.replace('http', 'ws')}/websocket`,
	SocketConstructor: WebSocket,
});
const find = (id) => document.getElementById(id);

/** Calls `run` when a form is submitted, and shows the error if that fails. */
function onSubmit(id, run) {
	find(id).addEventListener('submit', async (event) => {
		event.preventDefault();
		find('error').textContent = '';
		try {
			await run(new FormData(event.target), event.submitter?.value);
		} catch (error) {
			find('error').textContent = error.reason ?? String(error);
		}
	});
}

onSubmit('login', async (fields, action) => {
	const [username, password] = [fields.get('username'), fields.get('password')];
	await (action === 'new'
		? client.call('createUser', { username, password })
		: client.call('login', { user: { username }, password }));
	await client.subscribe('tasks.mine').ready();
	find('login').hidden = true;
	find('mine').hidden = false;
});

onSubmit('add', async (fields) => {
	await client.call('tasks.add', fields.get('text'));
	find('add').reset();
});

onSubmit('clear', () => client.call('tasks.removeDone'));

function show() {
	const items = client
		.collection('tasks')
		.fetch()
		.sort((a, b) => a.at - b.at)
		.map(({ id, text, done }) => {
			const box = Object.assign(document.createElement('input'), { type: 'checkbox', checked: done });
			box.addEventListener('change', () => client.call('tasks.setDone', id, box.checked));
			const label = document.createElement('label');
			label.append(box, ` ${text}`);
			const item = document.createElement('li');
			item.append(label);
			return item;
		});
	find('list').replaceChildren(...items);
}

client.collection('tasks').onChange(show);
await client.connect();
