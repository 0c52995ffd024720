// The settings of every run, for the MongoDB run: only files that can use it, without test/clients.
const { spec, ...settings } = require('../../.mocharc.cjs');
const { mongoTestFiles } = require('./testFiles.cjs');

module.exports = {
	...settings,
	...(spec && { spec: mongoTestFiles(['wire', 'unit', 'store', 'docs', 'mongo']) }),
	// Otherwise something that a failed hook has left open would keep the process alive.
	exit: true,
	// Each call goes over a socket, and to the disk. Two tries of one test end within the time limit of the step in CI.
	timeout: 240_000,
};
