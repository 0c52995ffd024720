const GROUP_AND_OTHERS = 0o077;

/** Whether others than the owner may access a file or folder. False on Windows. @param mode as `stat` returns it */
export function othersHaveAccess(mode: number): boolean {
	return process.platform !== 'win32' && (mode & GROUP_AND_OTHERS) !== 0;
}
