import { idToUuid, type Id } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import { presentRequest } from '../core/present-request.ts'
import type { BudgetView } from '../core/request-record.ts'
import type { Version } from '../store/list-pages.ts'
import { readNewerRequest, readRequestsByUuid, type Sight } from '../store/requests.ts'
import type { Context } from './context.ts'
import { presentedBy, presentVersions } from './presented.ts'

/** What a viewer sees of a request depends on its budgets alone: those of its own team, and those wider than any. */
type View = 'all' | 'team' | 'other'

const presentedRequests = presentedBy<View>()

function viewOn({ all, teams }: BudgetView): (team: string) => View {
  return (team) => (all ? 'all' : teams.has(team) ? 'team' : 'other')
}

/** A request as it is shown to this viewer; null: there is none, or none in sight. */
export async function readAndPresent(context: Context, id: Id<'request'>, sight: Sight, view: BudgetView): Promise<JsonObject | null> {
  const uuid = idToUuid(id)
  const presented = presentedRequests(context)
  const known = presented.recall(uuid, viewOn(view))
  const read = await readNewerRequest(context.database.pool, id, sight, known?.version ?? null)
  if (read === null) return null
  const { newer } = read
  if (newer === null) return known?.item ?? null
  return presented.present(uuid, newer, viewOn(view)(newer.record.team), (record) => presentRequest(record, view))
}

/** The requests of a list as they are shown to this viewer, in its order. */
export async function presentRequests(context: Context, versions: readonly Version[], view: BudgetView): Promise<readonly JsonObject[]> {
  return presentVersions(
    presentedRequests(context),
    versions,
    viewOn(view),
    (ids) => readRequestsByUuid(context.database.pool, ids),
    (record) => presentRequest(record, view),
  )
}
