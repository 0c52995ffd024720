/** Describes the channel of a publication in the AsyncAPI document. */
import type { AnyMatcher } from '../../shared/matcher.js';
import type { Publication } from '../../shared/publication.js';
import { ANY } from '../../shared/shape.js';
import {
	ADDRESS,
	type ChannelContext,
	describedArguments,
	exampleParams,
	idOf,
	type Json,
	messageObject,
	operation,
	type Part,
	paramsSchema,
	subMessage,
} from './channels.js';
import { messageSchema } from './ddpMessages.js';
import { limitsOf } from './limits.js';

/**
 * The messages with the documents of a collection. All fields are optional, because the client may have some from
 * another subscription.
 */
function documentMessages(
	collection: string,
	{ shape }: AnyMatcher,
	{ maker, examples }: ChannelContext,
): Record<string, Json> {
	const document = shape.kind === 'named' ? shape.shape : shape;
	const isObject = document.kind === 'object';
	const members = isObject ? document.members.filter(({ name }) => name !== '_id') : [];
	const others = isObject ? document.others : ANY;
	const optional = members.map((member) => ({ ...member, isOptional: true }));
	const fields = maker.object(optional, others);
	const base = { collection: { const: collection }, id: { type: 'string' } };
	const cleared = { type: 'array', items: { type: 'string' } };
	const example = { collection, id: 'uB7xHn3QpLd9TzEwa', fields: examples.exampleOf(fields) };
	return {
		[`added.${idOf(collection)}`]: messageObject(
			'added',
			'A document that the client did not have',
			messageSchema('added', { ...base, 'fields?': fields }),
			{ msg: 'added', ...example },
		),
		[`changed.${idOf(collection)}`]: messageObject(
			'changed',
			'Fields of a document have changed, or have been removed',
			messageSchema('changed', { ...base, 'fields?': fields, 'cleared?': cleared }),
			{ msg: 'changed', ...example },
		),
	};
}

/** Describes a publication. @param index distinguishes universal publications, which have no name */
export function publicationPart(publication: Publication, context: ChannelContext, index: number): Part {
	const { name, summary, args, anonymous, documents = new Map<string, AnyMatcher>(), timeout, limit } = publication;
	const suffix = name === null ? `universal.${index}` : idOf(name);
	const id = `publication.${suffix}`;
	const documentMessagesByName = Object.assign(
		{},
		...Array.from(documents, ([key, pattern]) => documentMessages(key, pattern, context)),
	);
	const sub = name !== null && {
		sub: subMessage(name, summary, paramsSchema(args, context), exampleParams(args, context)),
	};
	return {
		id,
		channel: {
			address: ADDRESS,
			title: name ?? 'every client, without a subscription',
			summary,
			messages: { ...sub, ...documentMessagesByName },
			'x-kind': 'publication',
			'x-name': name,
			'x-arguments': describedArguments(args, context),
			'x-documents': Object.fromEntries(
				Array.from(documents, ([key, { shape }]) => [key, context.maker.schemaOf(shape)]),
			),
			'x-anonymous': anonymous,
			'x-limits': name === null ? [] : limitsOf('subscription', name, limit, context.limits),
			'x-timeout-ms': timeout,
		},
		operations: {
			...(sub && { [`subscribe.${suffix}`]: operation('receive', id, summary, ['sub']) }),
			...(documents.size > 0 && {
				[`publish.${suffix}`]: operation('send', id, summary, Object.keys(documentMessagesByName)),
			}),
		},
	};
}
