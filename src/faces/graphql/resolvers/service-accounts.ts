import { plainQuery, serviceAccountQuery } from '../../../operations/list-queries.ts'
import {
  createServiceAccount,
  listServiceAccounts,
  readServiceAccount,
  retireServiceAccount,
} from '../../../operations/service-accounts.ts'
import { serviceAccountInput, tokenInput } from '../../../operations/token-input.ts'
import { createToken, listTokensOfAccounts, missingForTokens, revokeToken } from '../../../operations/tokens.ts'
import { connectionOf, edgesOf } from '../connection.ts'
import type { MutationResolvers, QueryResolvers, Resolvers } from '../generated/types.ts'
import { judge, readList, withoutNulls } from '../judge.ts'
import { Refusal, unwrap } from '../refusal.ts'
import type { Sources } from '../sources.ts'

export const serviceAccountQueries: Pick<QueryResolvers, 'serviceAccount' | 'serviceAccounts'> = {
  serviceAccount: async (_, { name }, { context, caller }) => asSource(unwrap(await readServiceAccount(context, caller, name))),
  async serviceAccounts(_, args, { context, caller }) {
    const { filter, page } = readList(serviceAccountQuery, args)
    return connectionOf(await listServiceAccounts(context, caller, filter, page), page)
  },
}

export const serviceAccountMutations: Pick<
  MutationResolvers,
  'createServiceAccount' | 'retireServiceAccount' | 'createToken' | 'revokeToken'
> = {
  async createServiceAccount(_, { input }, { context, caller }) {
    const account = judge(serviceAccountInput, withoutNulls(input))
    return { serviceAccount: unwrap(await createServiceAccount(context, caller, account)) }
  },
  async retireServiceAccount(_, { input: { name } }, { context, caller }) {
    unwrap(await retireServiceAccount(context, caller, name))
    return { name }
  },
  async createToken(_, { input: { name, ...input } }, { context, caller }) {
    const token = judge(tokenInput, withoutNulls(input))
    return { token: unwrap(await createToken(context, caller, name, token)) }
  },
  async revokeToken(_, { input: { name, id } }, { context, caller }) {
    unwrap(await revokeToken(context, caller, name, id))
    return { id }
  },
}

export const serviceAccountTypes: Pick<Resolvers, 'ServiceAccount' | 'ServiceAccountConnection' | 'TokenConnection'> = {
  ServiceAccount: {
    team: ({ team }) => ({ name: team }),
    async tokens({ name, team }, args, { context, caller, load }) {
      const { page } = readList(plainQuery, args)
      const forbidden = await missingForTokens(context, caller, team)
      if (forbidden !== null) throw new Refusal(forbidden)
      const read = (names: readonly string[]) => listTokensOfAccounts(context, caller, names, page)
      return connectionOf(await load.page('ServiceAccount.tokens', name, page, read), page)
    },
  },
  ServiceAccountConnection: { edges: edgesOf },
  TokenConnection: { edges: edgesOf },
}

/** As operations show it. */
function asSource(shown: object): Sources['ServiceAccount'] {
  return shown as Sources['ServiceAccount']
}
