/** The settings of accounts and of the key service. */
import { isEmail, isUsername } from '../../methods/model/users/names.js';
import { DEFAULT_ROCKETCHAT_VERSION, isVersion } from '../rest/info.js';
import { HOUR, integer, isPassword, oneOf, onOff, secret, text } from './optionKinds.js';

export const keyOptions = {
	'sign-ups': onOff('callers who are not logged in may create an account with createUser', 'ROOMKEY_SIGN_UPS'),
	'admin-pass': secret(isPassword, 'a password', {
		meaning: 'if there is no admin at the start, create one with this password',
		env: 'ADMIN_PASS',
		default: undefined,
	}),
	'admin-username': secret(isUsername, 'letters, digits and any of . _ - only', {
		meaning: 'user name of the admin that ADMIN_PASS creates',
		env: 'ADMIN_USERNAME',
		default: 'admin',
	}),
	'admin-email': secret(isEmail, 'an e-mail address', {
		meaning: 'e-mail address of the admin that ADMIN_PASS creates',
		env: 'ADMIN_EMAIL',
		default: undefined,
	}),
	'lease-time': integer(0, HOUR, {
		meaning: 'how long a waiting member is reserved for one provider of the key, in ms',
		env: 'ROOMKEY_LEASE_TIME',
		default: 10_000,
	}),
	'strict-keys': onOff(
		'a public key must be the JWK of an RSA key of 2048 bits, not just any text',
		'ROOMKEY_STRICT_KEYS',
	),
	'strict-key-ids': oneOf('MODE', ['on', 'off'], {
		meaning: 'whether a sealed key must begin with the key id of its room: on or off',
		env: 'ROOMKEY_STRICT_KEY_IDS',
		default: 'on',
	}),
	'identity-second-factor': onOff(
		'replacing or resetting identity keys takes the second factor or, without one, the password',
		'ROOMKEY_IDENTITY_SECOND_FACTOR',
	),
	'confirm-last-key-holder': onOff(
		'the last holder of the key of a room can give it up only with confirm: true',
		'ROOMKEY_CONFIRM_LAST_KEY_HOLDER',
	),
	'rocketchat-version': text('VERSION', {
		meaning: 'version of Rocket.Chat that /api/info reports; apps choose the format of keys by it',
		env: 'ROOMKEY_ROCKETCHAT_VERSION',
		default: DEFAULT_ROCKETCHAT_VERSION,
		isValid: isVersion,
		form: 'three numbers, such as 8.0.0',
	}),
} as const;
