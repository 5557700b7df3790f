import { kinds, type Kind } from '../core/document/document.ts'
import { teamOf } from '../core/document/team-of.ts'
import type { Problem } from '../core/problem.ts'
import { documentsUsing } from '../core/references.ts'
import { ok, refuse, type Result } from '../core/result.ts'
import { listDocuments, readDocument, retireDocument } from '../store/documents.ts'
import { missingPlatformRole } from './authorize.ts'
import { actorOf, type Caller } from './caller.ts'
import type { Context } from './context.ts'
import { mayWrite } from './document-rights.ts'
import { forbid } from './forbid.ts'
import { parseIfMatch } from './present-document.ts'

const MAX_ROUNDS = 5
/** As many users as a refusal names. */
const MAX_NAMED = 10

/** Takes a document out of force, unless something that lives or another document needs it. Its versions stay in the history. */
export async function deleteDocument(
  context: Context,
  caller: Caller,
  kind: Kind,
  name: string,
  options: { readonly dryRun: boolean; readonly ifMatch: string | null },
): Promise<Result<null>> {
  const ifRevision = parseIfMatch(options.ifMatch)
  if (!ifRevision.ok) return ifRevision
  // Whether there is such a document is not for everybody to know: of a budget, not even its name.
  const forbiddenKind = kind === 'Service' ? null : missingPlatformRole(caller, `delete${kind}`)
  if (forbiddenKind !== null) return forbid(context, caller, forbiddenKind, { operation: 'deleteDocument', team: null, subject: name })
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const platform = await context.reloadPlatform()
    const record = await readDocument(context.database, kind, name)
    if (record === null) return refuse({ code: 'not-found' })
    const forbidden = await mayWrite(context, platform, caller, record.document, 'delete')
    if (forbidden !== null) return forbidden
    const services =
      kind === 'Team' ? await listDocuments(context.database, 'Service', { owner: name }, { first: MAX_NAMED, after: null }) : []
    const users = [...documentsUsing(platform, kind, name), ...services.map(({ document }) => `Service ${document.metadata.name}`)]
    if (users.length > 0) return refuse(inUse(kind, name, users))

    const document = { kind, name, decides: kinds[kind].decides, team: teamOf(record.document), ifRevision: ifRevision.value }
    const answer = await retireDocument(context.database.pool, document, {
      platformRevision: platform.revision,
      dryRun: options.dryRun,
      actor: actorOf(caller),
    })
    switch (answer.outcome) {
      case 'stale':
        continue
      case 'not-found':
        return refuse({ code: 'not-found' })
      case 'precondition-failed':
        return refuse({ code: 'precondition-failed', detail: 'The document is at another revision than If-Match names. Read it again.' })
      case 'in-use':
        return refuse(inUse(kind, name, answer.usedBy))
      case 'done':
        if (!options.dryRun) await context.reloadPlatform()
        return ok(null)
    }
  }
  return refuse({
    code: 'unavailable',
    detail: 'Others are applying documents without a pause. Nothing was changed; try again.',
    retryAfterS: 1,
  })
}

function inUse(kind: Kind, name: string, users: readonly string[]): Problem {
  const named = users.slice(0, MAX_NAMED)
  const more = users.length > MAX_NAMED ? ` and ${users.length - MAX_NAMED} more` : ''
  return { code: 'in-use', detail: `${kind} ${name} is used by ${named.join(', ')}${more}. Change or delete these first.`, usedBy: named }
}
