import { Type } from 'typebox'
import { nullable, oneOf, openObject, timestamp } from './component.ts'
import { pageSchema } from './page.ts'

const eventExample = {
  id: 'evt_01jd8m0s6rf1tsg5xk3v9c2h4q',
  type: 'dev.purser.request.submitted.v1',
  time: '2026-11-24T09:30:00.000Z',
  actor: { subject: 'alice@example.com', kind: 'person', via: null },
  team: 'payments',
  subject: 'req_01jd8m0s6rf1tsg5xk3v9c2h4n',
  data: { state: 'pending_approval' },
}

export const eventSchema = Type.Object(
  {
    id: Type.String({ pattern: '^evt_[0-9a-z]{26}$' }),
    type: Type.String({ pattern: '^dev\\.purser\\.[a-z.-]+\\.v[0-9]+$' }),
    time: timestamp,
    actor: Type.Object({ subject: Type.String(), kind: oneOf(['person', 'service-account', 'system']), via: nullable(Type.String()) }),
    team: nullable(Type.String({ description: 'Null: it concerns the platform.' })),
    subject: Type.String({ description: 'The id or name of what it is about.' }),
    data: openObject,
  },
  { $id: 'Event', description: 'One line of the audit log.', examples: [eventExample] },
)

export const eventPage = pageSchema('EventPage', eventSchema, eventExample)

/** Server-sent events: each has the id to come back with, its type, and an Event as JSON. */
export const eventStreamText = Type.String({ description: 'Server-sent events; `data` is an Event, `id` the cursor to come back with.' })

export const streamHeaders = { 'Last-Event-ID': 'The last id that was read: the stream goes on after it.' }

export const streamQuery = Type.Object(
  { after: Type.Optional(Type.String({ maxLength: 500, description: 'The cursor to go on from.' })) },
  { additionalProperties: false },
)

export const eventComponents = [eventSchema, eventPage]
