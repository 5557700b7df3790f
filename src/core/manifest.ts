import type { Json } from './json.ts'
import type { ObjectRef } from './plan.ts'
import type { FieldError } from './problem.ts'
import type { Result } from './result.ts'

/** What a blueprint may render beyond its environment's namespace. */
export type Allow = {
  readonly namespaces: readonly string[]
  readonly clusterScoped: readonly { readonly group: string; readonly kind: string }[]
}

export type ObjectPlace = {
  readonly team: string
  readonly environment: string
  /** The environment's namespace for this team, expanded. */
  readonly namespace: string
  readonly resource: string
  /** Position among the blueprint's manifests; the `NN` of the file name. */
  readonly index: number
  readonly allow: Allow
}

export type RenderedObject = {
  readonly ref: ObjectRef
  /** `<NN>-<kind, lower case>-<name>.yaml`. */
  readonly fileName: string
  readonly content: string
  /** `sha256:…` of the content's bytes. */
  readonly digest: string
}

/** A manifest template's output → the file that is committed. Pointers start at the object. */
export function renderObject(output: Json, place: ObjectPlace): Result<RenderedObject, readonly FieldError[]> {
  throw new Error(`not yet ${String(output)} ${place.index}`)
}
