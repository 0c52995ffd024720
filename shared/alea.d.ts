declare module 'alea' {
	/** Makes a generator of fractions, 0 to less than 1, seeded with these strings in turn. */
	export default function Alea(...seeds: string[]): () => number;
}
