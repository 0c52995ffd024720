import type { StoreChoice } from '../store/open.js';

/** The command that makes the first admin. Without the address of a MongoDB, which may contain a password. */
export function firstAdminCommand(choice: StoreChoice): string {
	const storeFlag = choice.kind === 'files' ? `--data ${choice.folder}` : '--mongo-url URL';
	return `roomkey user add NAME --role admin ${storeFlag}`;
}
