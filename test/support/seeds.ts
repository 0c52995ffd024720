export const SEED = 'abcdef0123456789abcd';

/**
 * The test vectors of test/contract/ddp.md section 15. Each has a seed, a stream, and the stream's values in
 * order: two ids, two hexadecimal texts and a fraction.
 */
export const seedVectors = [
	[
		'seed1',
		'/collection/tasks',
		'gL86bibc2NR7qtd3r',
		'rsTjd6A2DzYdJPSQR',
		'6d88652fe5f750119cb17606',
		'2515e1d6c9f42c4848b4',
		0.47794280340895057,
	],
	[
		'seed1',
		'default',
		'6m4YmmNLx39qjWpXv',
		'pHosKrj42pJ7Rg77f',
		'72c6e9c6c14b77311bbf3b10',
		'c0b2b567c92b4ccb1a62',
		0.4954779497347772,
	],
	[
		SEED,
		'/collection/tasks',
		'NtYHMxYGja4jmdkt3',
		'rWn6FRgk2LhfiiWAK',
		'954adc28b2c09fdaedcbfebd',
		'08e1c5467dce6ca3f146',
		0.7514377720654011,
	],
	[
		SEED,
		'/rpc/foo',
		'P8PoZ95gk9Fd6awae',
		'HmYG9nihf9nnz9wnt',
		'f790c9ac676614f7e6ac8baf',
		'febce6e1e10f7776a254',
		0.00613151490688324,
	],
] as const;
