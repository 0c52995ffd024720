import { customAlphabet } from 'nanoid';

/** Meteor's alphabet of 55 characters that cannot be mistaken for one another (`test/contract/ddp.md` section 2). */
export const UNMISTAKABLE = '23456789ABCDEFGHJKLMNPQRSTWXYZabcdefghijkmnopqrstuvwxyz';

/** A random id as Meteor makes them: 17 unmistakable characters, 98 bits. */
export const randomId: () => string = customAlphabet(UNMISTAKABLE, 17);
