/** Permission bits of the group and of all other users. */
const GROUP_AND_OTHERS = 0o077;

/**
 * Whether users other than the owner have any access to a file or folder. Always false on Windows, which has no such bits.
 * @param mode the result of `stat` for the file or folder
 */
export function othersHaveAccess(mode: number): boolean {
	return process.platform !== 'win32' && (mode & GROUP_AND_OTHERS) !== 0;
}
