import { stream } from '../../shared/stream.js';
import { Action, SettingAnswer } from '../model/answers.js';

/** Events for all clients, with or without a login (`test/contract/rocketchat-e2e.md` 10.2). */
export const notifyAll = stream({
	name: 'notify-all',
	summary: 'Events for all clients: changes of public settings',
	events: [
		{
			name: 'public-settings-changed',
			summary: 'A setting has changed',
			args: { action: Action, setting: SettingAnswer },
		},
	],
	mayRead: () => true,
});
