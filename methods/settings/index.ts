/** The methods for settings. */
export { allSettings, getSetting, publicSettings, syncPrivateSettings, syncPublicSettings } from './read.js';
export { saveSetting, saveSettingsMethods } from './save.js';
