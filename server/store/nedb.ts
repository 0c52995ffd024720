/** nedb's class. Its types describe a default export, but Node hands over the module itself. */
import nedb from '@seald-io/nedb';

type Nedb<T> = InstanceType<typeof nedb.default<T>>;

export type Datastore = Nedb<{ _id: string }>;

export const Datastore = nedb as unknown as new (...options: ConstructorParameters<typeof nedb.default>) => Datastore;
