import 'ws';

declare module 'ws' {
	/** Encodes frames. The package exports it, but its types do not. */
	// biome-ignore lint/complexity/noStaticOnlyClass: that is how the package has it
	export class Sender {
		static frame(
			data: Buffer,
			options: { fin: boolean; rsv1: boolean; opcode: number; mask: boolean; readOnly: boolean },
		): Buffer[];
	}
}
