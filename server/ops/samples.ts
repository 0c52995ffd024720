/** Makes metrics of prom-client whose values are read at each scrape. */
import type { Metric } from 'prom-client';
import type { Durations } from './durations.js';

type Labels = Readonly<Record<string, string>>;

/** A value of a metric. */
export interface Sample {
	readonly labels: Labels;
	readonly value: number;
	/** The name of a part of a histogram, such as `…_bucket`. Absent for other metrics. */
	readonly metricName?: string;
}

type Read = () => Iterable<Sample> | Promise<Iterable<Sample>>;

/** Makes a metric with only the members that a registry uses. */
export function metric(type: 'counter' | 'gauge' | 'histogram', name: string, help: string, read: Read): Metric {
	const get = async () => ({ name, help, type, aggregator: 'sum', values: [...(await read())] });
	return { name, help, type, get } as unknown as Metric;
}

/** The samples of a metric with one value. */
export function single(value: number, labels: Labels = {}): Sample[] {
	return [{ labels, value }];
}

/** Makes a sample of each count, with the key of the count as a label. */
export function* labelled(counts: Iterable<[string, number]>, label: string): Iterable<Sample> {
	for (const [key, value] of counts) yield { labels: { [label]: key }, value };
}

/** The samples of a histogram. The label `le` is the upper bound of a bucket, in seconds. */
export function* histogram(name: string, durations: Durations, labels: Labels): Iterable<Sample> {
	let lastCount = 0;
	for (const [le, count] of durations.cumulative()) {
		yield { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
		lastCount = count;
	}
	yield { metricName: `${name}_sum`, labels, value: durations.sumSeconds };
	// The last bucket counts all durations.
	yield { metricName: `${name}_count`, labels, value: lastCount };
}
