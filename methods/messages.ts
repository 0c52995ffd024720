/**
 * The methods that send messages. Roomkey refuses them, because it stores none (`test/contract/beyond.md` section 3).
 */
import { clientError } from '../shared/errors.js';
import { Match, Nothing, shownAs } from '../shared/match.js';
import { type Method, method } from '../shared/method.js';

function notSupported(name: string, rest?: 'POST'): Method {
	return method({
		name,
		args: { message: shownAs(Match.Any, Object) },
		...(rest && { rest }),
		summary: 'Refused: Roomkey stores keys, not messages',
		returns: Nothing,
		errors: ['error-not-supported'],
		run() {
			throw clientError('notSupported');
		},
	});
}

/** `chat.sendMessage` is the name of the same method in Rocket.Chat's REST API. */
export const messageMethods: readonly Method[] = [
	notSupported('sendMessage'),
	notSupported('chat.sendMessage', 'POST'),
];
