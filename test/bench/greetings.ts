/** What a DDP client says before it is of use. */
import type { Greeting } from './loadClients.js';

export const connect: Greeting = {
	text: '{"msg":"connect","version":"1","support":["1"]}',
	answer: '{"msg":"connected"',
};

export const logIn: Greeting = {
	text: '{"msg":"method","method":"login","params":[{"resume":"TOKEN"}],"id":"login"}',
	answer: '{"msg":"result","id":"login","result"',
};

/** As long as that, for a server that knows no login. */
export const call: Greeting = { text: logIn.text, answer: '{"msg":"result","id":"login"' };

export const subscribe: Greeting = {
	text: '{"msg":"sub","id":"1","name":"stream-bench","params":["all",false]}',
	answer: '{"msg":"ready"',
};
