// The settings of every run, for other files: mocha would add a spec of the command line to that of its settings.
module.exports = {
	...require('../../.mocharc.json'),
	spec: ['dist/test/{unit,store,wire}/**/*.test.js'],
	// The server needs the other processor itself.
	parallel: false,
	'fail-zero': true,
};
