declare module 'alea' {
	/** Makes a generator of fractions from 0 to less than 1. */
	export default function Alea(...seeds: string[]): () => number;
}
