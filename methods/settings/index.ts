/** The methods for settings. */
import type { Method } from '../../shared/method.js';
import { allSettings, getSetting, publicSettings, syncPrivateSettings, syncPublicSettings } from './read.js';
import { saveSetting, saveSettingsMethods } from './save.js';

export const settingMethods: readonly Method[] = [
	saveSetting,
	...saveSettingsMethods,
	getSetting,
	publicSettings,
	allSettings,
	syncPublicSettings,
	syncPrivateSettings,
];
