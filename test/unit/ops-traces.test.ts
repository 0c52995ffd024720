/** Spans of calls and store operations, with and without an SDK of OpenTelemetry. */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
	type Context,
	type ContextManager,
	context,
	propagation,
	ROOT_CONTEXT,
	type Span,
	type SpanOptions,
	SpanStatusCode,
	TraceFlags,
	type Tracer,
	trace,
} from '@opentelemetry/api';
import { expect } from 'chai';
import { openTraces } from '../../server/ops/traces.js';
import { type OpenServer, openServer } from '../../server/start/openServer.js';
import { method } from '../../shared/method.js';
import { memoryLog } from '../support/log.js';
import { addPerson } from '../support/people.js';
import { headersOf, post, request } from '../support/rest.js';

interface RecordedSpan {
	readonly name: string;
	readonly attributes: Record<string, unknown>;
	readonly traceId: string;
	readonly parentId: string | undefined;
	failed: boolean;
	ended: boolean;
}

/** Registers a minimal SDK, which records spans, follows asynchronous calls, and reads `traceparent`. */
function registerSdk(): RecordedSpan[] {
	const spans: RecordedSpan[] = [];
	const storage = new AsyncLocalStorage<Context>();
	const manager: ContextManager = {
		active: () => storage.getStore() ?? ROOT_CONTEXT,
		with: (active, run, self, ...args) => storage.run(active, () => run.apply(self, args)),
		bind: (_context, target) => target,
		enable: () => manager,
		disable: () => manager,
	};
	const startSpan = (name: string, options: SpanOptions = {}, parent = manager.active()): Span => {
		const parentSpan = trace.getSpanContext(parent);
		const recorded: RecordedSpan = {
			name,
			attributes: { ...options.attributes },
			traceId: parentSpan?.traceId ?? `trace ${spans.length}`,
			parentId: parentSpan?.spanId,
			failed: false,
			ended: false,
		};
		spans.push(recorded);
		const spanContext = { traceId: recorded.traceId, spanId: `span ${spans.length}`, traceFlags: TraceFlags.SAMPLED };
		return Object.assign(trace.wrapSpanContext(spanContext), {
			setAttribute(key: string, value: unknown) {
				recorded.attributes[key] = value;
			},
			setStatus({ code }: { code: SpanStatusCode }) {
				recorded.failed = code === SpanStatusCode.ERROR;
			},
			end() {
				recorded.ended = true;
			},
		});
	};
	const startActiveSpan = (name: string, options: SpanOptions, parent: Context, run: (span: Span) => unknown) => {
		const span = startSpan(name, options, parent);
		return manager.with(trace.setSpan(parent, span), () => run(span));
	};
	context.setGlobalContextManager(manager);
	trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan, startActiveSpan }) as unknown as Tracer });
	propagation.setGlobalPropagator({
		inject() {},
		extract(active, carrier) {
			const [, traceId, spanId] = String((carrier as { traceparent?: string }).traceparent ?? '').split('-');
			if (!traceId || !spanId) return active;
			return trace.setSpanContext(active, { traceId, spanId, traceFlags: TraceFlags.SAMPLED });
		},
		fields: () => ['traceparent'],
	});
	return spans;
}

const broken = method({
	name: 'own.broken',
	summary: 'Fails',
	args: {},
	rest: 'POST',
	run() {
		throw new Error('the message');
	},
});

describe('traces', () => {
	it('are off without an SDK', async () => {
		expect(await openTraces('1')).to.equal(undefined);
	});

	describe('with an SDK', () => {
		let spans: RecordedSpan[];
		let server: OpenServer;

		before(async () => {
			spans = registerSdk();
			const log = memoryLog();
			server = await openServer({
				port: 0,
				store: { memory: true },
				keys: true,
				metrics: 'off',
				log,
				methods: [broken],
			});
		});
		after(async () => {
			await server.close();
			trace.disable();
			context.disable();
			propagation.disable();
		});

		it('have a span for each call, which continues the trace of the HTTP request', async () => {
			const alice = await addPerson(server.store);
			spans.length = 0;
			const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
			await request(`${server.url}/api/v1/rooms.get`, { headers: { ...headersOf(alice), traceparent } });
			const call = spans.find(({ name }) => name.startsWith('call '));
			expect(call).to.deep.include({
				name: 'call rooms.get',
				traceId: '0af7651916cd43dd8448eb211c80319c',
				parentId: 'b7ad6b7169203331',
				ended: true,
				failed: false,
			});
			expect(call?.attributes).to.include({ 'roomkey.transport': 'rest', 'roomkey.outcome': 'ok' });
		});

		it('have spans of store operations within the span of the call', async () => {
			const alice = await addPerson(server.store);
			spans.length = 0;
			await server.call('rooms.get', [], { userId: alice.id });
			const index = spans.findIndex(({ name }) => name === 'call rooms.get');
			// The id of a span contains its number, counted from 1.
			const inside = spans.filter(({ parentId }) => parentId === `span ${index + 1}`);
			expect(inside.map(({ name }) => name)).to.include('find rocketchat_subscription');
			expect(inside.every(({ ended }) => ended)).to.equal(true);
		});

		it('mark a span as failed only for a server error, without its message', async () => {
			const alice = await addPerson(server.store);
			spans.length = 0;
			await post(`${server.url}/api/v1/own.broken`, alice, {});
			await post(`${server.url}/api/v1/e2e.setRoomKeyID`, alice, { rid: 'nowhere', keyID: 'key' });
			const calls = spans.filter(({ name }) => name.startsWith('call '));
			expect(calls.map(({ name, failed }) => [name, failed])).to.deep.equal([
				['call own.broken', true],
				['call e2e.setRoomKeyID', false],
			]);
			expect(JSON.stringify(spans)).not.to.include('the message');
		});
	});
});
