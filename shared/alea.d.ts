declare module 'alea' {
	/** Makes a generator of fractions from 0 to less than 1. These strings, in this order, are its seed. */
	export default function Alea(...seeds: string[]): () => number;
}
