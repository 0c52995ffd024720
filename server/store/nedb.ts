/** nedb's own class: the package's types take its CommonJS export for a default export. */
import Nedb from '@seald-io/nedb';

export const Datastore = Nedb as unknown as typeof Nedb.default;
export type Datastore = InstanceType<typeof Datastore>;
