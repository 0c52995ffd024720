/**
 * Roomkey notices what another program writes to a MongoDB-protocol server with change streams. `run.sh` runs this
 * file.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describeWatchedServer } from '../support/watchedServer.js';

describe('change streams', () => {
	let java: ChildProcess;
	let address: string;

	before(async () => {
		const path = `${process.env.ROOMKEY_TEST_CHANGE_STREAMS_JARS}/*`;
		java = spawn('java', ['-cp', path, 'test/change-streams/Server.java'], { stdio: ['pipe', 'pipe', 'ignore'] });
		const [port] = await once(createInterface(java.stdout as NodeJS.ReadableStream), 'line');
		address = `mongodb://127.0.0.1:${port}/`;
	});

	after(async () => {
		java.stdin?.end();
		await once(java, 'exit');
	});

	describeWatchedServer(
		'a MongoDB with change streams',
		'change-streams',
		() => address,
		// Dropped, because with this index the Java server finds no document by a member of an array.
		(db) => db.collection('users').dropIndex('services.resume.loginTokens.hashedToken_1'),
	);
});
