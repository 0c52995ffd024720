import 'ws';

declare module 'ws' {
	/** What frames messages. The package exports it; its types do not. */
	// biome-ignore lint/complexity/noStaticOnlyClass: that is how the package has it
	export class Sender {
		static frame(
			data: Buffer,
			options: { fin: boolean; rsv1: boolean; opcode: number; mask: boolean; readOnly: boolean },
		): Buffer[];
	}
}
