/**
 * Traces calls and operations of the store by OpenTelemetry, if its SDK was registered before the server starts, as
 * with `node --import`.
 */
import type * as Otel from '@opentelemetry/api';
import type { StoreObserver } from '../../shared/storeObserver.js';
import type { BegunCall } from '../core/observer.js';
import { outcomeOf } from '../core/observer.js';

/** The key under which `@opentelemetry/api` stores what an SDK has registered. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');

export interface Traces {
	/** Runs a call in a span. Over REST, the request's headers name the trace of the span. */
	runCall(call: BegunCall, run: () => Promise<unknown>): Promise<unknown>;
	/** Makes an observer that traces each operation of a store. @param inner observes the operations too */
	observeStore(inner?: StoreObserver): StoreObserver;
}

function hasSdk(): boolean {
	const registered = (globalThis as Record<symbol, unknown>)[REGISTERED] as { trace?: unknown } | undefined;
	return registered?.trace !== undefined;
}

/** Makes the traces of a server. @returns undefined without an SDK */
export async function openTraces(version: string): Promise<Traces | undefined> {
	return hasSdk() ? tracesWith(await import('@opentelemetry/api'), version) : undefined;
}

function tracesWith(otel: typeof Otel, version: string): Traces {
	const { context, propagation, SpanKind, SpanStatusCode, trace } = otel;
	const tracer = trace.getTracer('roomkey', version);
	return {
		runCall({ method, caller }, run) {
			const { headers, transport } = caller;
			const parent = headers ? propagation.extract(context.active(), headers) : context.active();
			const attributes = { 'rpc.system': 'roomkey', 'rpc.method': method, 'roomkey.transport': transport ?? 'program' };
			const options = { kind: SpanKind.SERVER, attributes };
			return tracer.startActiveSpan(`call ${method}`, options, parent, async (span) => {
				try {
					const result = await run();
					span.setAttribute('roomkey.outcome', 'ok');
					return result;
				} catch (thrown) {
					const outcome = outcomeOf(thrown as Parameters<typeof outcomeOf>[0]);
					span.setAttribute('roomkey.outcome', outcome);
					// No message of an error is recorded: it may contain values of the client.
					const isFailure = ['error', 'unavailable', 'timeout'].includes(outcome);
					if (isFailure) span.setStatus({ code: SpanStatusCode.ERROR, message: outcome });
					throw thrown;
				} finally {
					span.end();
				}
			});
		},
		observeStore: (inner) => ({
			observeCollection(collection) {
				const observer = inner?.observeCollection(collection);
				return {
					begin(operation) {
						const attributes = { 'db.collection.name': collection, 'db.operation.name': operation };
						const span = tracer.startSpan(`${operation} ${collection}`, { kind: SpanKind.CLIENT, attributes });
						return { span, begun: observer?.begin(operation) };
					},
					end(operation, traced, failure) {
						const { span, begun } = traced as { span: Otel.Span; begun: unknown };
						if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
						span.end();
						observer?.end(operation, begun, failure);
					},
					onFindOneAndUpdate: (update) => observer?.onFindOneAndUpdate(update),
				};
			},
		}),
	};
}
