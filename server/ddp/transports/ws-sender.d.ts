import 'ws';

declare module 'ws' {
	/** Encodes frames. `ws` exports it, but `@types/ws` does not declare it. */
	// biome-ignore lint/complexity/noStaticOnlyClass: `ws` has it as a class
	export class Sender {
		static frame(
			data: Buffer,
			options: { fin: boolean; rsv1: boolean; opcode: number; mask: boolean; readOnly: boolean },
		): Buffer[];
	}
}
