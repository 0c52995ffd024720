/** Reads metrics in the format of Prometheus. */
import { request } from './rest.js';

export interface ScrapedSample {
	readonly name: string;
	readonly labels: Readonly<Record<string, string>>;
	readonly value: number;
}

export interface Scrape {
	readonly samples: readonly ScrapedSample[];
	/** The sum of all samples of this name with these labels. */
	sum(name: string, labels?: Readonly<Record<string, string>>): number;
	/** The names of labels of a metric; undefined if there is no such metric. */
	labelsOf(name: string): ReadonlySet<string> | undefined;
}

/** A sample, such as `calls_total{method="login"} 5`. */
const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
/** A label and its text, such as `method="login"`. The text may contain escaped quotes. */
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Reads the text of a scrape. @throws Error for a line that is not of the format */
export function parseScrape(text: string): Scrape {
	const samples = text
		.split('\n')
		.filter((line) => line !== '' && !line.startsWith('#'))
		.map((line): ScrapedSample => {
			const [, name, labels = '', value] = LINE.exec(line) ?? [];
			if (!name) throw new Error(`Not a sample: ${line}`);
			const pairs = [...labels.matchAll(LABEL)].map(([, label, text]) => [label, text]);
			return { name, labels: Object.fromEntries(pairs), value: Number(value) };
		});
	return {
		samples,
		sum: (name, wanted = {}) =>
			samples
				.filter(
					(sample) =>
						sample.name === name && Object.entries(wanted).every(([label, text]) => sample.labels[label] === text),
				)
				.reduce((sum, { value }) => sum + value, 0),
		labelsOf(name) {
			const all = samples.filter((sample) => sample.name === name);
			return all.length === 0 ? undefined : new Set(all.flatMap(({ labels }) => Object.keys(labels)));
		},
	};
}

export async function scrape(url: string): Promise<Scrape> {
	const { status, text } = await request(`${url}/metrics`);
	if (status !== 200) throw new Error(`/metrics answered ${status}`);
	return parseScrape(text);
}
