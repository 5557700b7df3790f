import { Type, type TObject, type TProperties } from 'typebox'
import { requestStates } from '../core/request.ts'
import { resourceStatuses } from '../store/resources.ts'

/** What may be asked of a list, whatever the face: judged by these, so that the same mistake has the same answer everywhere. */
const closed = { additionalProperties: false }

/** How every list is read. `after` may be empty, so that a loop can begin with an empty variable. */
export const pageQuery = {
  first: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50, description: 'How many things a page has at most.' })),
  after: Type.Optional(Type.String({ maxLength: 500, description: 'The `endCursor` of the page before.' })),
}

/** The query of a list with filters of its own. */
export function listQuery<P extends TProperties>(filters: P): TObject<P & typeof pageQuery> {
  return Type.Object({ ...filters, ...pageQuery }, closed)
}

/** A filter is any text of reasonable length: what names nothing finds nothing. */
function filterText(description: string) {
  return Type.Optional(Type.String({ minLength: 1, maxLength: 254, description }))
}

/** One of these words. */
function filterWord<const W extends readonly string[]>(words: W, description?: string) {
  return Type.Optional(Type.Unsafe<W[number]>({ type: 'string', enum: words, ...(description === undefined ? {} : { description }) }))
}

export const requestQuery = listQuery({
  team: filterText('The team that asked.'),
  environment: filterText('Where.'),
  state: filterWord(requestStates),
  requester: filterText('The subject of who asked.'),
  resource: filterText('A resource that a change is about, by id or name.'),
  awaiting: filterWord(['me'], 'Those that wait for the caller’s vote.'),
})

export const resourceQuery = listQuery({
  team: filterText('Whose.'),
  environment: filterText('Where.'),
  blueprint: filterText('What, by the blueprint’s name.'),
  status: filterWord(resourceStatuses, 'Deleted resources show only where they are asked for.'),
})

export const eventQuery = listQuery({
  team: filterText('Whose.'),
  type: filterText('Of this type.'),
  subject: filterText('About this: `req_…`, `res_…`, or a name.'),
})

export const serviceQuery = listQuery({
  owner: filterText('The owning team.'),
  lifecycle: filterWord(['experimental', 'production', 'deprecated']),
  tag: filterText('Services with this tag.'),
})

export const serviceAccountQuery = listQuery({ team: filterText('Whose.') })

export const schemaQuery = listQuery({ group: filterText('Of this API group.') })

/** No list, but asked for like one. */
export const permissionsQuery = Type.Object({ team: filterText('In this team.') }, closed)

/** A list without filters. */
export const plainQuery = listQuery({})
