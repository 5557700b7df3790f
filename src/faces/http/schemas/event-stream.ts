import { Type } from 'typebox'

/** Where a stream begins. */
export const streamQuery = Type.Object(
  {
    after: Type.Optional(
      Type.String({
        maxLength: 500,
        description: 'The `id` of an event of this stream, or a cursor of a list of events: it goes on after that.',
      }),
    ),
  },
  { additionalProperties: false },
)

export const streamHeaders = { 'Last-Event-ID': 'Of a stream: the last `id` that came. It goes on after that, whatever `after` says.' }

export const eventStreamText = Type.String({
  description:
    'Server-sent events. Of each event `id` is its cursor, `event` its type, and `data` an Event as JSON. A stream that may not be read any more ends with an event `problem`, whose `data` is a Problem.',
})
