/** The test files that the MongoDB run repeats. */
const { existsSync, readdirSync, readFileSync } = require('node:fs');
const { dirname, join, resolve } = require('node:path');

/** The environment variable with the address of the MongoDB. */
const VARIABLE = 'ROOMKEY_TEST_MONGO_URL';

const IMPORTED = /(?:from|import) ?\(?'(\.[^']+)'/g;

/** Whether a built file reads the variable, or imports a file that does. @param seen the files that were looked at before */
function usesMongo(file, seen = new Set()) {
	if (seen.has(file) || !existsSync(file)) return false;
	seen.add(file);
	const text = readFileSync(file, 'utf8');
	if (text.includes(VARIABLE)) return true;
	return Array.from(text.matchAll(IMPORTED), ([, path]) => resolve(dirname(file), path)).some((path) =>
		usesMongo(path, seen),
	);
}

/**
 * The built test files in some folders of `dist/test` that can use a MongoDB. The others would do the same as in `npm test`.
 */
function mongoTestFiles(folders) {
	return folders
		.flatMap((folder) => readdirSync(join('dist/test', folder)).map((name) => join('dist/test', folder, name)))
		.filter((file) => file.endsWith('.test.js') && usesMongo(resolve(file)));
}

module.exports = { mongoTestFiles };
