import type pg from 'pg'
import { idToUuid, type Id } from '../core/ids.ts'
import { requestStates, type RequestState } from '../core/request.ts'
import { run } from './database.ts'
import { isMany, limitOf, nameOf, type Version } from './list-pages.ts'
import { versionOf, type Sight } from './requests.ts'

export type RequestFilter = {
  readonly team?: string
  readonly environment?: string
  readonly state?: RequestState
  readonly requester?: string
  /** A resource that a change is about. */
  readonly resource?: { readonly id: Id<'resource'> } | { readonly name: string }
  /** Requests that wait for this principal's vote. */
  readonly awaiting?: string
}

/** A page of requests, newest first: at most `first` of those before `after`. Filters over what is out of sight find nothing. */
export async function listRequestVersions(
  pool: pg.Pool,
  sight: Sight,
  filter: RequestFilter,
  page: { readonly first: number; readonly after: Id<'request'> | null },
): Promise<readonly Version[]> {
  const statement = statementOf(sight, filter, page)
  if (statement === null) return []
  const { name, text, values } = statement
  const rows = await run<Version>(pool, { name, text }, values)
  return rows.slice(0, page.first)
}

type Bound = { readonly name: string; readonly text: string; readonly values: readonly unknown[] }

/** Null: nothing that the reader may see can be among it. */
function statementOf(
  sight: Sight,
  filter: RequestFilter,
  page: { readonly first: number; readonly after: Id<'request'> | null },
): Bound | null {
  const limit = limitOf(page.first)
  const values: unknown[] = []
  const bind = (value: unknown): string => `$${values.push(value)}`
  const { names, where } = conditionsOf(filter, sight, { after: page.after, limit }, bind)
  const select: Select = (from, ...more) =>
    `select q.id, ${versionOf} as version from ${from} where ${[...more, ...where, 'true'].join(' and ')} order by q.id desc limit ${limit}`
  // A plan is made for the statement, so whatever changes its text is in its name; PostgreSQL keeps 63 characters of one.
  const named = (kind: string, text: string): Bound => ({ name: nameOf(`list ${kind}`, limit, names), text, values })

  // Other teams' requests that the reader may approve show among those that wait, which are few; so that any other list
  // stays one scan of an index.
  const awaiting = filter.awaiting !== undefined
  if (awaiting || (!sight.all && filter.state === 'pending_approval')) {
    if (sight.approves.length === 0) return null
    const own = awaiting ? [] : sight.teams.filter((team) => filter.team === undefined || team === filter.team)
    const approvable = eachApprovable(select, bind, sight, awaiting)
    if (own.length === 0) return named('wait', `${approvable} order by id desc limit ${limit}`)
    return named('both', `${eachTeam(select, bind(own))} union ${approvable} order by id desc limit ${limit}`)
  }
  if (sight.all) return named('all', select('request q'))
  if (filter.team !== undefined) return sight.teams.includes(filter.team) ? named('own', select('request q')) : null
  if (sight.teams.length === 0) return null
  const teams = bind(sight.teams)
  // `is true`, here too: else all of these teams are read whole and sorted.
  if (isMany(sight.teams) || filter.requester !== undefined || filter.resource !== undefined)
    return named('many', select('request q', `(q.team = any (${teams}::text[])) is true`))
  return named('each', `${eachTeam(select, teams)} order by id desc limit ${limit}`)
}

type Select = (from: string, ...more: readonly string[]) => string

/** A page of each team: together they have the page of all. */
function eachTeam(select: Select, teams: string): string {
  return `select s.id, s.version from unnest(${teams}::text[]) mine(team) cross join lateral (${select('request q', 'q.team = mine.team')}) s`
}

/** Of each team that the reader has roles in: what waits for one of these. `unmet`: and still lacks votes. */
function eachApprovable(select: Select, bind: (value: unknown) => string, sight: Sight, unmet: boolean): string {
  const [teams, roles] = [bind(sight.approves.map((a) => a.team)), bind(sight.approves.map((a) => a.role))]
  const votes = `(select count(*) from approval a where a.request_id = w.request_id and a.vote = 'approve' and w.ordinal = any (a.satisfies))`
  const rows = select(
    'waiting_approval w join request q on q.id = w.request_id',
    'w.team = mine.team',
    'w.role = any (mine.roles)',
    ...(unmet ? [`w.required > ${votes}`] : []),
  )
  // Once, however many of its requirements are the reader's.
  const once = rows.replace('select q.id', 'select distinct on (q.id) q.id')
  return `select s.id, s.version
    from (select m.team, array_agg(m.role) as roles from unnest(${teams}::text[], ${roles}::text[]) m(team, role) group by m.team) mine
      cross join lateral (${once}) s group by s.id, s.version`
}

/** The filter as conditions on `q`, and what they are, for the statement's name. */
function conditionsOf(
  filter: RequestFilter,
  sight: Sight,
  { after, limit }: { readonly after: Id<'request'> | null; readonly limit: number },
  bind: (value: unknown) => string,
): { readonly names: readonly string[]; readonly where: readonly string[] } {
  const names: string[] = []
  const where: string[] = []
  const add = (name: string, condition: string) => {
    names.push(name)
    where.push(condition)
  }
  // What one person asked, or what is about one resource, has an index that is shorter than a team's, and in order; `is true`
  // is no condition for an index, so that the planner does not read two of them whole and sort.
  const narrow = filter.requester !== undefined || filter.resource !== undefined
  if (filter.team !== undefined) add('team', `(q.team = ${bind(filter.team)})${narrow ? ' is true' : ''}`)
  if (filter.environment !== undefined) add('place', `q.environment = ${bind(filter.environment)}`)
  // Written out, so that the plan is for this state: some are nearly all, and some are few.
  const state = requestStates.find((each) => each === filter.state)
  if (state !== undefined) add(state, `q.state = '${state}'`)
  if (filter.requester !== undefined)
    add('by', `q.requester_id = (select r.id from principal r where r.subject = ${bind(filter.requester)})`)
  if (filter.resource !== undefined && 'id' in filter.resource)
    add('id', `q.id in (select c.request_id from request_change c where c.resource_id = ${bind(idToUuid(filter.resource.id))}::uuid)`)
  if (filter.resource !== undefined && 'name' in filter.resource) {
    const name = bind(filter.resource.name)
    // Names are used again in other teams; whoever may see only some teams need not look through the others'.
    // Where nothing else is asked for, the newest are the page.
    const alone = sight.all && Object.values(filter).filter((each) => each !== undefined).length === 1
    const everywhere = sight.all || filter.awaiting !== undefined || filter.state === 'pending_approval'
    const seen = everywhere ? '' : ` and x.team = any (${bind(filter.team === undefined ? sight.teams : [filter.team])}::text[])`
    add(
      'named',
      `q.id in (select c.request_id from resource x join request_change c on c.resource_id = x.id where x.name = ${name}${seen}
        union all select c.request_id from request_change c where c.name = ${name} and c.resource_id is null
        ${alone && after === null ? `order by request_id desc limit ${limit}` : ''})`,
    )
  }
  if (filter.awaiting !== undefined) {
    // Every principal that the voter has had.
    const same = `array(select p.id from principal m join principal p on p.human_id = m.human_id where m.id = ${bind(filter.awaiting)}::uuid)`
    add('me', `not exists (select from request_party z where z.request_id = q.id and z.principal_id = any (${same}))`)
    where.push(`not exists (select from approval z where z.request_id = q.id and z.principal_id = any (${same}))`)
  }
  if (after !== null) add('after', `q.id < ${bind(idToUuid(after))}::uuid`)
  return { names, where }
}
