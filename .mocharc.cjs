// `npm test` runs test/run.mjs, which hands its arguments to mocha. `npx mocha` works as well, on what is built.

// Mocha adds the files of its command line to `spec`. Here they replace it.
const namesFiles = process.argv.slice(2).some((argument) => argument.startsWith('dist/test/'));

module.exports = {
	// The folders with the longest files come first, so that no file is left to one worker at the end.
	...(!namesFiles && {
		spec: ['wire', 'clients', 'unit', 'store', 'docs'].map((folder) => `dist/test/${folder}/**/*.test.js`),
	}),
	require: ['dist/test/support/watchdog.js', 'dist/test/support/declaredHooks.js', 'dist/test/support/secretHooks.js'],
	'node-option': ['enable-source-maps', 'unhandled-rejections=strict'],
	parallel: true,
	jobs: 2,
	'forbid-only': Boolean(process.env.CI),
	'forbid-pending': true,
	'fail-zero': true,
	// In CI, on a shared machine, a failure counts when it repeats.
	retries: process.env.CI ? 1 : 0,
	// For a busy machine: no test here takes a tenth of it on a quiet one.
	timeout: 120_000,
};
