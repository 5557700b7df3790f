import type { Document } from '../core/document/document.ts'
import type { TeamDocument } from '../core/document/team.ts'
import { canonicalize } from '../core/json.ts'
import { needsAdministrator, type Platform } from '../core/platform.ts'
import { readDocument } from '../store/documents.ts'
import { missingAdministrator, missingScope, rolesOfCaller, type Caller, type Forbidden } from './caller.ts'
import type { Context } from './context.ts'
import { forbid } from './forbid.ts'

/**
 * Whether the caller may put or retire a document: a team's owner its Services and, of its Team, members and contact;
 * everything else an administrator. Null: they may. A refusal is in the log already.
 */
export async function mayWrite(
  context: Context,
  platform: Platform,
  caller: Caller,
  document: Document,
): Promise<{ readonly ok: false; readonly problem: Forbidden } | null> {
  const teams = await owningTeams(context, platform, document)
  const forbidden =
    teams.length === 0 || needsAdministrator(document) ? missingAdministrator(caller) : missingOwner(platform, caller, teams)
  if (forbidden === null) return null
  return forbid(context, caller, forbidden, { operation: 'applyDocuments', team: teams[0] ?? null, subject: document.metadata.name })
}

/** The teams whose owner may write it: of a service that changes hands, both. None: only an administrator may. */
async function owningTeams(context: Context, platform: Platform, document: Document): Promise<readonly string[]> {
  switch (document.kind) {
    case 'Team': {
      const before = platform.teams.get(document.metadata.name)?.document
      return before !== undefined && sameCard(before, document) ? [document.metadata.name] : []
    }
    case 'Service': {
      const before = await readDocument(context.database, 'Service', document.metadata.name)
      const owner = before?.document.kind === 'Service' ? before.document.spec.owner : document.spec.owner
      return [...new Set([owner, document.spec.owner])]
    }
    case 'Environment':
    case 'Blueprint':
    case 'Policy':
    case 'Budget':
    case 'Trust':
      return []
  }
}

/** Whether two documents of a team differ in nothing that policies and prices judge by: an owner must not write that. */
function sameCard(before: TeamDocument, after: TeamDocument): boolean {
  const card = ({ metadata, spec: { members: _m, contact: _c, ...spec } }: TeamDocument) => canonicalize({ metadata, spec })
  return card(before) === card(after)
}

function missingOwner(platform: Platform, caller: Caller, teams: readonly string[]): Forbidden | null {
  const scope = missingScope(caller, 'platform:write')
  if (scope !== null) return scope
  const missing = caller.administrator ? undefined : teams.find((team) => !rolesOfCaller(platform, caller, team).includes('owner'))
  if (missing === undefined) return null
  return {
    code: 'forbidden',
    detail: `Only an owner of team ${missing} or a platform administrator may do this.`,
    needs: `role owner in team ${missing}`,
  }
}
