import { customAlphabet } from 'nanoid';

/** Meteor's alphabet for ids: 55 characters that are easy to distinguish (`test/contract/ddp.md` section 2). */
export const ID_ALPHABET = '23456789ABCDEFGHJKLMNPQRSTWXYZabcdefghijkmnopqrstuvwxyz';

/** A random id in Meteor's format: 17 characters, 98 bits. */
export const randomId: () => string = customAlphabet(ID_ALPHABET, 17);
