/** The version of this package. */
import { readFileSync } from 'node:fs';

interface PackageFile {
	readonly name?: string;
	readonly version?: string;
}

/** Reads the version from the nearest package.json above this file. A build and a bundle have this file in different folders. */
export function packageVersion(): string {
	for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
		try {
			const { name, version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as PackageFile;
			if (name === 'roomkey' && version) return version;
		} catch {
			// There is no package.json in this folder.
		}
		if (new URL('..', folder).href === folder.href) return 'unknown';
	}
}
