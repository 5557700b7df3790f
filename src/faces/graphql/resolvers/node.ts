import { isKind, kinds, type Kind } from '../../../core/document/document.ts'
import { parseId } from '../../../core/ids.ts'
import type { QueryResolvers } from '../generated/types.ts'
import { sourceOf } from './documents.ts'

const kindOf = new Map(Object.keys(kinds).map((kind) => [kind.toLowerCase(), kind]))

/** Ids say of what they are; whether there is such a thing, and for whom, is asked where everybody asks. */
export const nodeQueries: Pick<QueryResolvers, 'node'> = {
  async node(_, { id }, { load }) {
    if (parseId('request', id) !== null) return load.request(id)
    if (parseId('resource', id) !== null) return load.resource(id)
    const at = id.indexOf(':')
    const kind = kindOf.get(id.slice(0, at))
    if (at === -1 || kind === undefined || !isKind(kind)) return null
    const shown = await load.document(kind, id.slice(at + 1))
    return shown === null ? null : { ...sourceOf(kind, shown), kind }
  },
}

/** Which type a node is of. */
export function typeOfNode(node: { readonly id?: string } | { readonly kind: Kind }): string {
  if ('kind' in node) return node.kind
  return node.id?.startsWith('req_') === true ? 'Request' : 'Resource'
}
