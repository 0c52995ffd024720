/** Finds files of the package. Works in the repository, and in an installed package, where modules are bundled. */
import { existsSync } from 'node:fs';

/** The nearest folder above this module that has a package.json. */
function findRoot(): URL {
	let folder = new URL('./', import.meta.url);
	while (!existsSync(new URL('package.json', folder))) {
		const parent = new URL('../', folder);
		if (parent.href === folder.href)
			throw new Error('The files of the package have been moved: package.json is missing');
		folder = parent;
	}
	return folder;
}

let root: URL | undefined;

/** The address of a file. @param path from the root of the package */
export function packageFile(path: string): URL {
	root ??= findRoot();
	return new URL(path, root);
}
