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
			from: { path: '^(server|shared)' },
			to: { circular: true },
		},
		{
			// An error too, as soon as rooms, users, accounts and e2e import each other one way.
			name: 'no-circular-folders-in-methods',
			severity: 'warn',
			scope: 'folder',
			from: { path: '^methods' },
			to: { circular: true },
		},
		{
			name: 'shared-imports-nothing-of-ours',
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
		// Imports of types count too: they say which part knows which.
		tsPreCompilationDeps: true,
		enhancedResolveOptions: { extensions: ['.ts', '.d.ts', '.js'] },
	},
};
