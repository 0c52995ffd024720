/** Checks each message that DDP clients send and receive against the AsyncAPI document. */
import { WebSocket } from 'ws';
import { isChecked, report, sendsUndescribed } from './described.js';
import { describedDdp } from './schemas.js';

type Json = Record<string, unknown>;

interface Session {
	/** The calls by id. The channel is undefined if the method is not described. */
	readonly calls: Map<string, { readonly channel: string | undefined; readonly message: Json }>;
	/** The subscriptions by id. The channel is undefined if the name is not described. */
	readonly subs: Map<string, { readonly channel: string | undefined; readonly message: Json }>;
	mayReceiveUndescribed: boolean;
}

let channels: Map<string, string> | undefined;

/** The channel of a method, a publication or a stream; undefined if it is not described. */
function channelOf(kind: 'method' | 'sub', name: unknown): string | undefined {
	channels ??= new Map(
		Object.entries(describedDdp().document.channels as Record<string, Json>).map(([id, channel]) => [
			`${channel['x-kind'] === 'method' ? 'method' : 'sub'} ${channel['x-name']}`,
			id,
		]),
	);
	return typeof name === 'string' ? channels.get(`${kind} ${name}`) : undefined;
}

let universal: readonly string[] | undefined;

/** The channels of publications that every client receives. */
function universalChannels(): readonly string[] {
	const { channels } = describedDdp().document;
	universal ??= Object.keys(channels as Json).filter((id) => id.startsWith('publication.universal.'));
	return universal;
}

const messagesOf = (channel: string) => Object.keys(describedDdp().at('channels', channel, 'messages') as Json);

function faultIn(message: Json, channel: string, name: string): string | undefined {
	return describedDdp().fault(message, ['channels', channel, 'messages', name, 'payload']);
}

function noteSent(session: Session, message: Json): void {
	const { msg, id } = message;
	if (typeof id !== 'string') return;
	if (msg === 'method') session.calls.set(id, { channel: channelOf('method', message.method), message });
	if (msg !== 'sub') return;
	const channel = channelOf('sub', message.name);
	if (!channel) session.mayReceiveUndescribed = true;
	if (!session.subs.has(id)) session.subs.set(id, { channel, message });
}

function checkResult(session: Session, message: Json): void {
	const call = session.calls.get(message.id as string);
	if (!call?.channel) return;
	const fault = faultIn(message, call.channel, 'result');
	if (fault)
		report(
			`${call.channel} gave an answer that is not as described: ${fault}; ${JSON.stringify(message).slice(0, 300)}`,
		);
	const callFault = faultIn(call.message, call.channel, 'call');
	const isMatchError = (message.error as Json | undefined)?.reason === 'Match failed';
	if (isMatchError && !callFault)
		report(`${call.channel} refused a call that is as described: ${JSON.stringify(call.message).slice(0, 300)}`);
	if (message.error) return;
	const { type } = (message.result ?? {}) as Json;
	// Login handlers of applications take other arguments. Their results have the handler's name as `type`.
	const isHandlerOfApplication = call.channel === 'method.login' && !['password', 'resume'].includes(type as string);
	if (callFault && !isHandlerOfApplication)
		report(
			`${call.channel} accepted a call that is not as described: ${callFault}; ${JSON.stringify(call.message).slice(0, 300)}`,
		);
}

function checkReady(session: Session, message: Json): void {
	for (const id of message.subs as string[]) {
		const sub = session.subs.get(id);
		if (!sub?.channel) continue;
		const fault = faultIn(sub.message, sub.channel, 'sub');
		if (fault) report(`${sub.channel} accepted a subscription that is not as described: ${fault}`);
	}
}

/**
 * Checks that a document or event is as one of the client's channels describes it. Does not check it if it may come from
 * an undescribed publication or stream.
 */
function checkDocument(session: Session, message: Json): void {
	const { msg, collection } = message;
	const isEvent = String(collection).startsWith('stream-');
	if (isEvent ? !channelOf('sub', collection) : session.mayReceiveUndescribed) return;
	const possibleChannels = isEvent
		? [channelOf('sub', collection) as string]
		: [...universalChannels(), ...[...session.subs.values()].flatMap(({ channel }) => channel ?? [])];
	const faults: string[] = [];
	for (const channel of possibleChannels) {
		for (const name of messagesOf(channel)) {
			if (describedDdp().at('channels', channel, 'messages', name, 'name') !== msg) continue;
			const fault = faultIn(message, channel, name);
			if (!fault) return;
			faults.push(fault);
		}
	}
	report(`a message is not as described: ${faults.join('; ')}; ${JSON.stringify(message).slice(0, 300)}`);
}

function checkReceived(session: Session, message: Json): void {
	const { msg } = message;
	if (msg === 'result') checkResult(session, message);
	else if (msg === 'added' || msg === 'changed') checkDocument(session, message);
	else checkProtocol(session, message);
}

function checkProtocol(session: Session, message: Json): void {
	const { msg } = message;
	const fault = messagesOf('ddp').includes(String(msg)) ? faultIn(message, 'ddp', String(msg)) : 'its msg is unknown';
	if (fault) report(`a message is not as described: ${fault}; ${JSON.stringify(message).slice(0, 300)}`);
	if (msg === 'ready' && !fault) checkReady(session, message);
}

/** The DDP messages in a frame. A SockJS frame, such as `a["{}","{}"]`, has several. */
function messagesIn(text: string): Json[] {
	try {
		const value: unknown = JSON.parse(text.startsWith('a[') ? text.slice(1) : text);
		const messages = Array.isArray(value) ? value.map((text) => JSON.parse(text)) : [value];
		return messages.filter((message) => typeof message === 'object' && message !== null);
	} catch {
		return [];
	}
}

const sessions = new WeakMap<WebSocket, Session>();

function sessionOf(socket: WebSocket): Session | undefined {
	const port = Number(new URL(socket.url).port);
	if (!isChecked(port)) return undefined;
	let session = sessions.get(socket);
	if (!session) {
		session = { calls: new Map(), subs: new Map(), mayReceiveUndescribed: sendsUndescribed(port) };
		sessions.set(socket, session);
	}
	return session;
}

/** Begins to check the client sockets of this process. Sockets of servers have no `url`. */
export function checkDdp(): void {
	const { send, emit } = WebSocket.prototype;
	WebSocket.prototype.send = function (this: WebSocket, ...args: unknown[]) {
		const session = this.url ? sessionOf(this) : undefined;
		// `String`, because the proxy of `wrongServer.ts` sends buffers.
		if (session) for (const message of messagesIn(String(args[0]))) noteSent(session, message);
		return (send as (...args: unknown[]) => void).apply(this, args);
	} as typeof send;
	WebSocket.prototype.emit = function (this: WebSocket, event: string | symbol, ...args: unknown[]) {
		const session = event === 'message' && this.url ? sessionOf(this) : undefined;
		if (session) for (const message of messagesIn(String(args[0]))) checkReceived(session, message);
		return emit.call(this, event, ...args);
	} as typeof emit;
}
