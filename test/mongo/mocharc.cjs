// The settings of mocha for the run with MongoDB: those of .mocharc.cjs, but without test/clients, with test/mongo, and one file
// after the other.
const { spec, ...settings } = require('../../.mocharc.cjs');

module.exports = {
	...settings,
	...(spec && { spec: [...spec.filter((files) => !files.includes('/clients/')), 'dist/test/mongo/*.test.js'] }),
	// The database needs the second core.
	parallel: false,
	// Otherwise something that a failed hook has left open would keep the process alive.
	exit: true,
	// Each call goes over a socket, and to the disk.
	timeout: 600_000,
};
