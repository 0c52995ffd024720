/** The version of this package. */
import { readFileSync } from 'node:fs';

interface PackageFile {
	readonly name?: string;
	readonly version?: string;
}

/** Reads the version from Roomkey's package.json above this file. This file's depth differs between a build and a bundle. */
export function packageVersion(): string {
	let folder = new URL('.', import.meta.url);
	for (;;) {
		try {
			const { name, version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as PackageFile;
			if (name === 'roomkey' && version) return version;
		} catch {
			// There is no package.json in this folder.
		}
		const parent = new URL('..', folder);
		const isRoot = parent.href === folder.href;
		if (isRoot) return 'unknown';
		folder = parent;
	}
}
