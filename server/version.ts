/** The version of this package. */
import { readFileSync } from 'node:fs';

interface PackageFile {
	readonly name?: string;
	readonly version?: string;
}

/** Reads it from the nearest package.json above this file, whose folder differs between a build and a bundle. */
export function packageVersion(): string {
	for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
		try {
			const { name, version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as PackageFile;
			if (name === 'roomkey' && version) return version;
		} catch {
			// There is none in this folder.
		}
		if (new URL('..', folder).href === folder.href) return 'unknown';
	}
}
