/** The methods for settings. Each export is a method, or a list of methods. */
export { allSettings, getSetting, publicSettings, syncPrivateSettings, syncPublicSettings } from './read.js';
export { saveSetting, saveSettingsMethods } from './save.js';
