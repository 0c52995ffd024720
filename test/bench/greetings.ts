/** The first messages of a DDP client in a bench. `TOKEN` stands for a login token. */
import type { Greeting } from './loadClients.js';

export const connect: Greeting = {
	text: '{"msg":"connect","version":"1","support":["1"]}',
	answer: '{"msg":"connected"',
};

export const logIn: Greeting = {
	text: '{"msg":"method","method":"login","params":[{"resume":"TOKEN"}],"id":"login"}',
	answer: '{"msg":"result","id":"login","result"',
};

/** The same login for a bare server, whose answer has no value. */
export const bareLogIn: Greeting = { text: logIn.text, answer: '{"msg":"result","id":"login"' };

export const subscribe: Greeting = {
	text: '{"msg":"sub","id":"1","name":"stream-bench","params":["all",false]}',
	answer: '{"msg":"ready"',
};
