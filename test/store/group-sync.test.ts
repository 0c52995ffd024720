import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import { groupSync } from '../../server/store/group-sync.js';
import { rejection } from '../support/rejection.js';

describe('groupSync', () => {
	it('takes all who came before a sync began, and none who came after', async () => {
		const ends: ((error?: Error) => void)[] = [];
		const synced = groupSync(
			() => new Promise((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve()))),
		);
		const done: string[] = [];
		const wait = (who: string) => synced().then(() => done.push(who));

		const first = [wait('a'), wait('b')];
		await turn();
		expect(ends).to.have.length(1);
		const second = [wait('c'), rejection(synced())];
		await turn();
		expect(ends).to.have.length(1);
		ends[0]?.();
		await Promise.all(first);
		expect(done).to.deep.equal(['a', 'b']);

		await turn();
		expect(ends).to.have.length(2);
		ends[1]?.(new Error('disk'));
		expect((await rejection(second[0] as Promise<unknown>)).message).to.equal('disk');
		expect(await second[1]).to.have.property('message', 'disk');

		const third = wait('d');
		await turn();
		ends[2]?.();
		await third;
		expect(done).to.deep.equal(['a', 'b', 'd']);
	});
});
