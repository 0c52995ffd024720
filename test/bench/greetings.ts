/** The messages with which DDP clients of a bench begin. Each client puts its own login token in the place of `TOKEN`. */
import type { Greeting } from './loadClients.js';

export const connect: Greeting = {
	text: '{"msg":"connect","version":"1","support":["1"]}',
	answer: '{"msg":"connected"',
};

export const logIn: Greeting = {
	text: '{"msg":"method","method":"login","params":[{"resume":"TOKEN"}],"id":"login"}',
	answer: '{"msg":"result","id":"login","result"',
};

/** The same message for a bare server, which answers it as any call, without a value. */
export const bareLogIn: Greeting = { text: logIn.text, answer: '{"msg":"result","id":"login"' };

export const subscribe: Greeting = {
	text: '{"msg":"sub","id":"1","name":"stream-bench","params":["all",false]}',
	answer: '{"msg":"ready"',
};
