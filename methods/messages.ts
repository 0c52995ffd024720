/** Messages, which Roomkey does not store (`test/contract/beyond.md` section 3): sending one is refused. */
import { clientError } from '../shared/errors.js';
import { Match } from '../shared/match.js';
import { type Method, method } from '../shared/method.js';

function notSupported(name: string, rest?: 'POST'): Method {
	return method({
		name,
		args: { message: Match.Any },
		...(rest && { rest }),
		summary: 'Refused: Roomkey keeps keys, not messages',
		run() {
			throw clientError('notSupported', { method: name });
		},
	});
}

/** `chat.sendMessage` is Rocket.Chat's REST name of the same. */
export const messageMethods: readonly Method[] = [
	notSupported('sendMessage'),
	notSupported('chat.sendMessage', 'POST'),
];
