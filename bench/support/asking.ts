import { scopes, type Caller } from '../../src/operations/caller.ts'
import type { Context } from '../../src/operations/context.ts'
import { openContext, type ContextParts } from '../../src/operations/open-context.ts'
import { openDatabase } from '../../src/store/database.ts'
import { openNotices } from '../../src/store/notices.ts'
import { knowPrincipal } from '../../src/store/principals.ts'

/** Operations without a face, and a person who asks. */
export type Asking = { readonly context: Context; readonly ann: Caller; close(): Promise<void> }

export async function openAsking(appUrl: string, believed: Partial<Pick<ContextParts, 'issuers' | 'tokenSigner'>> = {}): Promise<Asking> {
  const database = openDatabase({ url: appUrl, poolSize: 8, onIdleError: () => undefined })
  const notices = await openNotices(appUrl, () => undefined)
  const context = openContext({
    ...believed,
    database,
    notices,
    hints: { deliver: () => undefined, close: async () => undefined, fault: null },
    currency: 'EUR',
    allowFileRepositories: true,
    pendingMigrations: async () => [],
    now: () => new Date(),
  })
  const subject = 'ann@example.com'
  const ann: Caller = {
    principal: await knowPrincipal(database.pool, 'person', subject),
    subject,
    kind: 'person',
    email: subject,
    groups: [],
    scopes: new Set(scopes),
    administrator: false,
    via: null,
    auditor: false,
    team: null,
    onlyTeams: null,
    parties: [],
    credential: { kind: 'api-token', id: null, expiresAt: null },
  }
  return {
    context,
    ann,
    async close() {
      await notices.close()
      await database.close()
    },
  }
}
