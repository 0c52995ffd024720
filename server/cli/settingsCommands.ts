/** `roomkey settings`: the settings that an admin can change while the server runs. */
import { methodErrors } from '../../shared/errorTable.js';
import { similarName } from '../options/similarName.js';
import { type Admin, RefusedCall } from './admin.js';
import { CommandError, type Input, type Io } from './command.js';
import { printList, printResult } from './print.js';
import { withAdmin } from './target.js';

interface ListedSetting {
	readonly _id: string;
	readonly value: string | number | boolean;
}

/** `settings list`. */
export function listSettings(input: Input, io: Io): Promise<void> {
	return withAdmin(input, io, (admin) =>
		printList<ListedSetting>(admin, input, io, {
			method: 'settings.list',
			key: 'settings',
			titles: ['setting', 'value'],
			row: ({ _id, value }) => [_id, String(value)],
		}),
	);
}

/** `settings set`. */
export function setSetting(input: Input, io: Io): Promise<void> {
	return withAdmin(input, io, async (admin) => {
		const [_id, text] = [input.argument(0), input.argument(1)];
		const setting = await findSetting(admin, _id);
		const value = parseLike(setting, text);
		await admin.call('saveSetting', { _id, value });
		printResult(input, io, { _id, value, before: setting.value }, () => {
			io.line(value === setting.value ? `${_id} is ${text} already` : `${_id} is now ${text}; it was ${setting.value}`);
		});
	});
}

/** @throws CommandError if the setting does not exist */
async function findSetting(admin: Admin, _id: string): Promise<ListedSetting> {
	try {
		return await admin.call<ListedSetting>('settings.getOne', { _id });
	} catch (error) {
		if (!(error instanceof RefusedCall && error.is(methodErrors.noSuchSetting))) throw error;
		const { settings } = await admin.call<{ settings: ListedSetting[] }>('settings.list', { count: 100 });
		const similar = similarName(
			_id,
			settings.map((setting) => setting._id),
		);
		const question = similar === undefined ? '' : `Did you mean ${similar}? `;
		throw new CommandError(`${error.message}: ${_id}. ${question}\`roomkey settings list\` shows all.`);
	}
}

/** Converts a text to the type of the setting's value. @throws CommandError if the text does not fit */
function parseLike({ _id, value }: ListedSetting, text: string): string | number | boolean {
	if (typeof value === 'string') return text;
	if (typeof value === 'number') {
		if (/^-?\d{1,15}$/.test(text)) return Number(text);
		throw new CommandError(`${_id} must be a whole number, not '${text}'.`);
	}
	if (text === 'true' || text === 'false') return text === 'true';
	throw new CommandError(`${_id} must be true or false, not '${text}'.`);
}
