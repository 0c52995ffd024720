// `npm test` runs test/run.mjs, which hands its arguments to mocha. `npx mocha` works as well, on the files in dist.

// Mocha runs the files of `spec` beside those that its command line names. So `spec` is left out if there are such files.
const namesFiles = process.argv.slice(2).some((argument) => argument.startsWith('dist/test/'));

module.exports = {
	// The folders with the slowest files come first. Otherwise one worker would run a slow file at the end, while the other idles.
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
	// CI runs on a shared machine, so a test has failed there only if it fails twice.
	retries: process.env.CI ? 1 : 0,
	// In ms. Long, for a busy machine: on a quiet one no test takes a tenth of that.
	timeout: 120_000,
};
