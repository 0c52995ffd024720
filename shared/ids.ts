import { customAlphabet } from 'nanoid';

/** Meteor's alphabet for ids: 55 characters that are easy to distinguish (`test/contract/ddp.md` section 2). */
export const ID_ALPHABET = '23456789ABCDEFGHJKLMNPQRSTWXYZabcdefghijkmnopqrstuvwxyz';

/** In characters. */
export const ID_LENGTH = 17;

/** A random id in Meteor's format: 98 bits. */
export const randomId: () => string = customAlphabet(ID_ALPHABET, ID_LENGTH);
