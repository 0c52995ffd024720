/** Settings that earlier releases had. If one is still given, an error says what takes its place. */

interface RemovedSetting {
	readonly env?: string;
	/** Follows `was removed: ` in the error text. */
	readonly instead: string;
}

/**
 * The removed settings by the name of the flag, which was also the name in the configuration file. The changelog names
 * each of them under Upgrading.
 */
export const removedSettings: Readonly<Record<string, RemovedSetting>> = {
	'login-expiry': {
		env: 'ROOMKEY_LOGIN_EXPIRY',
		instead:
			'the setting Accounts_LoginExpiration takes its place. Once there is an admin: roomkey settings set Accounts_LoginExpiration DAYS',
	},
};

/** The end of the text about a removed setting; undefined for any other name. */
export function removalOf(name: string): string | undefined {
	const setting = Object.hasOwn(removedSettings, name) ? removedSettings[name] : undefined;
	return setting && `was removed: ${setting.instead}`;
}

/** The same for the environment variable of a removed setting. */
export function removalOfVariable(name: string): string | undefined {
	const [setting] = Object.entries(removedSettings).find(([, { env }]) => env === name) ?? [];
	return setting === undefined ? undefined : removalOf(setting);
}
