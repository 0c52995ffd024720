/** Random values that are the same in a client's simulation of a method (`test/contract/ddp.md` section 15). */
import Alea from 'alea';
import { ID_ALPHABET, ID_LENGTH, randomId } from './ids.js';

const HEX = '0123456789abcdef';

export interface RandomStream {
	/** A number from 0 to less than 1. */
	fraction(): number;
	id(): string;
	hexString(digits: number): string;
}

/** The random streams of one call. */
export interface RandomSource {
	/** Independent of other streams. For ids of new documents: `/collection/<name>`. */
	stream(name?: string): RandomStream;
	/** The seed for a nested call of the method with this name. */
	seedFor(method: string): string;
}

function streamOf(seed: string, name: string): RandomStream {
	const fraction = Alea(seed, name);
	const randomText = (alphabet: string, count: number) => {
		let text = '';
		for (let i = 0; i < count; i++) text += alphabet[Math.floor(fraction() * alphabet.length)];
		return text;
	};
	return { fraction, id: () => randomText(ID_ALPHABET, ID_LENGTH), hexString: (count) => randomText(HEX, count) };
}

/** @param seed the client's seed; null: the values are unpredictable */
export function createRandomSource(seed: string | null): RandomSource {
	const rootSeed = seed ?? randomId();
	const streams = new Map<string, RandomStream>();
	const source: RandomSource = {
		stream(name) {
			const key = name || 'default';
			let stream = streams.get(key);
			if (!stream) {
				stream = streamOf(rootSeed, key);
				streams.set(key, stream);
			}
			return stream;
		},
		// As in Meteor.
		seedFor: (method) => source.stream(`/rpc/${method}`).hexString(20),
	};
	return source;
}
