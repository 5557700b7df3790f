import type { Document } from '../core/document/document.ts'
import type { TeamDocument } from '../core/document/team.ts'
import { canonicalize } from '../core/json.ts'
import type { Platform } from '../core/platform.ts'
import { readDocument } from '../store/documents.ts'
import { missingPlatformRole, missingRole, type TeamOperation } from './authorize.ts'
import type { Caller, Forbidden } from './caller.ts'
import type { Context } from './context.ts'
import { forbid } from './forbid.ts'

type Verb = 'put' | 'delete'

/**
 * Whether the caller may put or retire a document: a team's owner its Services and, of its Team, members and contact;
 * everything else an administrator. Null: they may. A refusal is in the log already.
 */
export async function mayWrite(
  context: Context,
  platform: Platform,
  caller: Caller,
  document: Document,
  verb: Verb,
): Promise<{ readonly ok: false; readonly problem: Forbidden } | null> {
  const teams = await owningTeams(context, platform, document)
  const forbidden = missingWrite(platform, caller, document, teams, verb)
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

/** The row of writing a document; `teams` are those whose owner may, none where it takes an administrator. */
function missingWrite(platform: Platform, caller: Caller, { kind }: Document, teams: readonly string[], verb: Verb): Forbidden | null {
  if (kind === 'Service') return missingIn(platform, caller, `${verb}${kind}`, teams)
  if (kind !== 'Team') return missingPlatformRole(caller, `${verb}${kind}`)
  if (verb === 'delete') return missingPlatformRole(caller, 'deleteTeam')
  return teams.length === 0 ? missingPlatformRole(caller, 'putTeamCard') : missingIn(platform, caller, 'putTeam', teams)
}

function missingIn(platform: Platform, caller: Caller, operation: TeamOperation, teams: readonly string[]): Forbidden | null {
  return teams.map((team) => missingRole(platform, caller, operation, team)).find((forbidden) => forbidden !== null) ?? null
}
