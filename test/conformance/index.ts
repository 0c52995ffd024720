/** The DDP conformance suite: `import { runConformance } from 'roomkey/conformance'`. See README.md. */
export { type Case, FEATURES, type Feature, type Level, loadCases, type Step } from './cases.js';
export {
	type CaseResult,
	type ConformanceOptions,
	type ConformanceReport,
	runCase,
	runConformance,
} from './runner.js';
