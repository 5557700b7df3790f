import type { ChangedDocument } from '../core/platform-check.ts'
import type { FieldError } from '../core/problem.ts'
import { readLiveServiceAccounts } from '../store/exchanges.ts'
import type { Context } from './context.ts'

/**
 * Where a Trust names a service account that is not in use. An account that is retired a moment later does no harm: the
 * exchange looks again, under a lock.
 */
export async function findMissingAccounts(context: Context, changed: readonly ChangedDocument[]): Promise<readonly FieldError[]> {
  const named = changed.flatMap(({ document, pointer }) =>
    document.kind === 'Trust' ? [{ name: document.spec.serviceAccount, pointer: `${pointer}/spec/serviceAccount` }] : [],
  )
  if (named.length === 0) return []
  const live = await readLiveServiceAccounts(
    context.database.pool,
    named.map(({ name }) => name),
  )
  return named.flatMap(({ name, pointer }) =>
    live.has(name)
      ? []
      : [{ pointer, detail: `names the service account ${name}, which is not in use. Make it first: purser service-accounts create` }],
  )
}
