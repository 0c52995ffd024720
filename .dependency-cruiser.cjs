/** Imports run one way: server → methods → shared, and never in a circle. Checked by `npm run lint`. */
module.exports = {
	forbidden: [
		{
			name: 'no-circular-files',
			severity: 'error',
			from: {},
			to: { circular: true },
		},
		{
			name: 'no-circular-folders',
			severity: 'error',
			scope: 'folder',
			from: { path: '^(server|methods|shared)' },
			to: { circular: true },
		},
		{
			name: 'shared-imports-no-other-folder',
			severity: 'error',
			from: { path: '^shared/' },
			to: { path: '^(methods|server|test)/' },
		},
		{
			name: 'methods-import-no-server',
			severity: 'error',
			from: { path: '^methods/' },
			to: { path: '^(server|test)/' },
		},
		{
			name: 'server-imports-no-test',
			severity: 'error',
			from: { path: '^server/' },
			to: { path: '^test/' },
		},
	],
	options: {
		doNotFollow: { path: 'node_modules' },
		tsConfig: { fileName: 'tsconfig.json' },
		// An import of types alone is a dependency too.
		tsPreCompilationDeps: true,
		enhancedResolveOptions: { extensions: ['.ts', '.d.ts', '.js'] },
	},
};
