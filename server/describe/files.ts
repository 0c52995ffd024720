/** Finds files of the package, both in a repository that was built and in the installed, bundled package. */
import { existsSync } from 'node:fs';

/** The nearest folder above this module that has a package.json. */
function findRoot(): URL {
	let folder = new URL('./', import.meta.url);
	while (!existsSync(new URL('package.json', folder))) {
		const above = new URL('../', folder);
		if (above.href === folder.href)
			throw new Error('The files of the package have been moved: package.json is missing');
		folder = above;
	}
	return folder;
}

let root: URL | undefined;

/** The address of a file of the package. @param path path from the root of the package */
export function packageFile(path: string): URL {
	root ??= findRoot();
	return new URL(path, root);
}
