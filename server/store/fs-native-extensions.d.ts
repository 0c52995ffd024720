/** The part of `fs-native-extensions` used here; the package brings no types. */
declare module 'fs-native-extensions' {
	/** Locks a range of bytes of an open file for this descriptor; false if another one has it. */
	export function tryLock(descriptor: number, offset: number, length: number): boolean;
}
