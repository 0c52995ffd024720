// The settings of every run, for the MongoDB run: without test/clients, with test/mongo, one file after the other.
const { spec, ...settings } = require('../../.mocharc.cjs');

module.exports = {
	...settings,
	...(spec && { spec: [...spec.filter((files) => !files.includes('/clients/')), 'dist/test/mongo/*.test.js'] }),
	// The server needs the other processor itself.
	parallel: false,
	// What a failed hook leaves open would keep the process alive. Files that run in parallel end with their workers.
	exit: true,
	// Each call goes over a socket, and to the disk.
	timeout: 600_000,
};
