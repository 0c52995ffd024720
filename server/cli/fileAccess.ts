/** Permission bits of the group and of others. */
const OTHERS = 0o077;

/**
 * Whether users other than the owner can read a file or enter a folder. Windows has no such bits.
 * @param mode from `stat`
 */
export function othersHaveAccess(mode: number): boolean {
	return process.platform !== 'win32' && (mode & OTHERS) !== 0;
}
