/** Where the files of the package are, as built in the repository and as bundled in the installed package. */
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

/** A file of the package. @param path from its root */
export function packageFile(path: string): URL {
	root ??= findRoot();
	return new URL(path, root);
}
