/** The settings of the store, and of the cooperation with other programs that use the same data. */
import { HOUR, integer, isPassword, oneOf, onOff, secret, text } from './optionKinds.js';

export const storeOptions = {
	data: text('DIR', {
		meaning: 'store the data in files in this folder',
		env: 'ROOMKEY_DATA',
		default: 'roomkey-data',
	}),
	memory: onOff('store the data in memory; it is lost when the server stops'),
	'mongo-url': text('URL', {
		meaning: 'store the data in this MongoDB, in the collections of Rocket.Chat',
		env: 'MONGO_URL',
		mayHavePassword: true,
		default: undefined,
	}),
	watch: oneOf('MODE', ['auto', 'change-streams', 'polling', 'off'], {
		meaning:
			'how the server notices what other programs write to the MongoDB: change-streams, polling, off, or auto: change streams where the database has them, else polling',
		env: 'ROOMKEY_WATCH',
		default: 'auto',
	}),
	'no-index': onOff('make no indexes in the MongoDB; the log names those that are missing', 'ROOMKEY_NO_INDEX'),
	'read-only': onOff(
		'answer reads and refuse writes; nothing is written to the store, not even indexes',
		'ROOMKEY_READ_ONLY',
	),
	shadow: onOff(
		'replay the requests that a proxy mirrors, answer nothing, write nothing, and log where the database differs',
		'ROOMKEY_SHADOW',
	),
	'shadow-delay': integer(1, HOUR, {
		meaning: 'time from a mirrored request until --shadow looks at the database, in ms',
		env: 'ROOMKEY_SHADOW_DELAY',
		default: 1000,
	}),
	demo: onOff('store example rooms and users, whose passwords are public, in memory'),
	nats: text('URLS', {
		meaning:
			'join other processes with the same data by this NATS server: addresses such as nats://host:4222, with commas',
		env: 'ROOMKEY_NATS',
		mayHavePassword: true,
		default: undefined,
	}),
	'nats-credentials': secret(isPassword, 'user:password, a token or the seed of an nkey', {
		meaning: 'user:password, token or nkey seed for the server in --nats',
		env: 'ROOMKEY_NATS_CREDENTIALS',
		default: undefined,
	}),
	'nats-ca': text('FILE', {
		meaning: 'PEM file of the authorities that the certificate of NATS must come from; turns TLS on, as tls:// does',
		env: 'ROOMKEY_NATS_CA',
		default: undefined,
	}),
	'nats-cert': text('FILE', {
		meaning: 'certificate of this process for NATS, in a PEM file',
		env: 'ROOMKEY_NATS_CERT',
		default: undefined,
	}),
	'nats-key': text('FILE', {
		meaning: 'private key of the certificate in --nats-cert, in a PEM file',
		env: 'ROOMKEY_NATS_KEY',
		default: undefined,
	}),
	'nats-prefix': text('TEXT', {
		meaning: 'first part of the names of the subjects at NATS',
		env: 'ROOMKEY_NATS_PREFIX',
		default: 'roomkey',
		isValid: (value) => /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(value) && value.length <= 100,
		form: 'letters, digits and any of _ - in parts separated by points',
	}),
	'rocketchat-broker': text('URLS', {
		meaning:
			"join Rocket.Chat's own broker: the nats:// addresses in its TRANSPORTER, with commas; needs moleculer and nats",
		env: 'ROOMKEY_ROCKETCHAT_BROKER',
		mayHavePassword: true,
		default: undefined,
		isValid: (value) =>
			value.split(',').every((url) => /^(nats|tls):\/\/[^\s/]+\/?$/.test(url.trim()) && URL.canParse(url)),
		form: 'addresses such as nats://host:4222, with commas',
	}),
	'rocketchat-namespace': text('NAME', {
		meaning: "the MS_NAMESPACE of Rocket.Chat's broker",
		env: 'ROOMKEY_ROCKETCHAT_NAMESPACE',
		default: undefined,
		isValid: (value) => /^[\w-]+$/.test(value),
		form: 'letters, digits, _ and - only',
	}),
} as const;
