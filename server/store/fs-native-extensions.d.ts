declare module 'fs-native-extensions' {
	/** Locks an open file for this process, until it is unlocked or closed. False where another has it. */
	export function tryLock(fd: number): boolean;
	export function unlock(fd: number): void;
}
