import { ok, refuse, type Result } from '../core/result.ts'
import type { Context } from './context.ts'
import type { DefinitionKind } from './ports.ts'

type Named = { readonly documents?: readonly unknown[]; readonly fromCluster?: string }

/** The documents that came, or those that the cluster of the environment has that is named instead. */
export async function definitionsOf(
  context: Context,
  kind: DefinitionKind,
  { documents, fromCluster }: Named,
): Promise<Result<readonly unknown[]>> {
  if ((documents === undefined) === (fromCluster === undefined)) {
    const detail = 'must have either documents or fromCluster'
    return refuse({ code: 'invalid', errors: [{ pointer: '', detail }] })
  }
  return fromCluster === undefined ? ok((documents ?? []).flatMap(itemsOf)) : readCluster(context, kind, fromCluster)
}

async function readCluster(context: Context, kind: DefinitionKind, name: string): Promise<Result<readonly unknown[]>> {
  const no = (detail: string) => refuse({ code: 'invalid' as const, errors: [{ pointer: '/fromCluster', detail }] })
  const platform = await context.platform()
  const environment = platform.environments.get(name)
  if (environment === undefined) return no(`there is no environment ${name}`)
  const { cluster } = environment.document.spec
  if (cluster === undefined) return no(`environment ${name} names no cluster: spec.cluster.kubeconfig`)
  if (context.clusters === null) return no('this server reads no clusters')
  const answer = await context.clusters.listDefinitions(cluster, kind)
  switch (answer.kind) {
    case 'listed':
      return ok(answer.definitions)
    case 'refused':
      return no(`the cluster of environment ${name} cannot be read: ${answer.why}`)
    case 'unreachable':
      return refuse({
        code: 'unavailable',
        detail: `The cluster of environment ${name} cannot be reached: ${answer.why}.`,
        retryAfterS: 10,
      })
  }
}

/** What `kubectl get -o yaml` prints is a list in one document. */
function itemsOf(document: unknown): readonly unknown[] {
  if (typeof document !== 'object' || document === null || !('items' in document) || !('kind' in document)) return [document]
  const { kind, items } = document
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items) ? (items as readonly unknown[]) : [document]
}
