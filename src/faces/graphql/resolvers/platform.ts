import type { JsonObject } from '../../../core/json.ts'
import { listBranches } from '../../../operations/gitops-branches.ts'
import { permissionsQuery, plainQuery } from '../../../operations/list-queries.ts'
import { readMe } from '../../../operations/read-me.ts'
import { readPermissions } from '../../../operations/read-permissions.ts'
import { verifyGitops } from '../../../operations/verify-gitops.ts'
import type { QueryResolvers, Resolvers } from '../generated/types.ts'
import { judge, readList, withoutNulls } from '../judge.ts'
import { Refusal, unwrap } from '../refusal.ts'
import { textIn } from '../sources.ts'

/** Who asks and what they may, and the GitOps branches. */
export const platformQueries: Pick<QueryResolvers, 'me' | 'permissions' | 'branches' | 'verification'> = {
  me: async (_, _args, { context, caller }) => unwrap(await readMe(context, caller)),
  async permissions(_, args, { context, caller }) {
    const { team } = judge(permissionsQuery, withoutNulls(args), '/query')
    return unwrap(await readPermissions(context, caller, team ?? null))
  },
  branches: async (_, _args, { context, caller }) => unwrap(await listBranches(context, caller)),
  async verification(_, args, { context, caller, history }) {
    const { page } = readList(plainQuery, args)
    if (history === null)
      throw new Refusal({ code: 'unavailable', detail: 'This process has no way to the GitOps repositories.', retryAfterS: 60 })
    const { problems, pageInfo, ...counted } = unwrap(await verifyGitops(context, history, caller, page))
    const shown: JsonObject = { ...counted, problems, pageInfo: { ...pageInfo, hasPreviousPage: page.after !== null, startCursor: null } }
    return shown
  },
}

export const platformTypes: Pick<Resolvers, 'TeamRoleOfMe' | 'Permissions'> = {
  Permissions: {
    team(source) {
      const name = textIn(source, 'team')
      return name === null ? null : { name }
    },
  },
  TeamRoleOfMe: { team: ({ name }) => ({ name }) },
}
