import { canonicalize, digest, isObject, type JsonObject } from './json.ts'
import type { KindEntry, KindScope } from './kind-schema.ts'
import type { FieldError } from './problem.ts'
import { ok, refuse, type Result } from './result.ts'
import { compileStructural } from './structural/structural.ts'
import { withoutDescriptions } from './without-descriptions.ts'

/**
 * A CustomResourceDefinition of Kubernetes
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/), as far as it says what
 * objects of its kind look like.
 */
export type ResourceDefinition = { readonly name: string; readonly kinds: readonly KindSchema[] }
/** `schema` has no descriptions: they are most of it, and say nothing that is judged. */
export type KindSchema = KindEntry & { readonly schema: JsonObject }

const apiVersion = 'apiextensions.k8s.io/v1'
const subdomain = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/
const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const kindName = /^[A-Za-z][A-Za-z0-9]{0,62}$/
const versionName = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/

/** The kinds that a definition serves, each with a schema that compiles. Pointers start at the document. */
export function parseResourceDefinition(document: unknown): Result<ResourceDefinition, readonly FieldError[]> {
  if (!isObject(document)) return refuse([{ pointer: '', detail: 'must be a Kubernetes object: apiVersion, kind, metadata and spec' }])
  if (document['kind'] !== 'CustomResourceDefinition')
    return refuse([
      { pointer: '/kind', detail: `is ${shown(document['kind'])}; what schemas are taken from is a CustomResourceDefinition` },
    ])
  if (document['apiVersion'] !== apiVersion) return refuse([{ pointer: '/apiVersion', detail: `must be ${apiVersion}` }])
  const spec = isObject(document['spec']) ? document['spec'] : {}
  const names = isObject(spec['names']) ? spec['names'] : {}
  const metadata = isObject(document['metadata']) ? document['metadata'] : {}
  const { group, scope } = spec
  const { kind, plural } = names
  const errors: FieldError[] = []
  const wrong = (pointer: string, detail: string) => errors.push({ pointer, detail })
  if (typeof group !== 'string' || group.length > 253 || !subdomain.test(group))
    wrong('/spec/group', 'must be an API group such as db.example.com')
  if (scope !== 'Namespaced' && scope !== 'Cluster') wrong('/spec/scope', 'must be Namespaced or Cluster')
  if (typeof kind !== 'string' || !kindName.test(kind)) wrong('/spec/names/kind', 'must be a kind such as Database')
  if (typeof plural !== 'string' || !label.test(plural)) wrong('/spec/names/plural', 'must be a plural such as databases')
  if (errors.length === 0 && metadata['name'] !== `${String(plural)}.${String(group)}`)
    wrong('/metadata/name', `must be ${String(plural)}.${String(group)}: the plural and the group`)
  if (errors.length > 0) return refuse(errors)
  const of = { group: String(group), kind: String(kind), scope: scope as KindScope } // Checked above.
  const kinds = readVersions(spec, of, errors)
  if (errors.length === 0 && kinds.length === 0) wrong('/spec/versions', 'must have a version that is served')
  return errors.length > 0 ? refuse(errors) : ok({ name: String(metadata['name']), kinds })
}

function readVersions(
  spec: Record<string, unknown>,
  of: { readonly group: string; readonly kind: string; readonly scope: KindScope },
  errors: FieldError[],
): readonly KindSchema[] {
  const versions: readonly unknown[] = Array.isArray(spec['versions']) ? spec['versions'] : []
  const seen = new Set<string>()
  return versions.flatMap((entry, i): readonly KindSchema[] => {
    const at = `/spec/versions/${i}`
    const version = isObject(entry) ? entry : {}
    const { name } = version
    if (version['served'] !== true) return []
    if (typeof name !== 'string' || !versionName.test(name) || seen.has(name)) {
      errors.push({ pointer: `${at}/name`, detail: 'must be a version such as v1alpha1, once' })
      return []
    }
    seen.add(name)
    const written = isObject(version['schema']) ? version['schema']['openAPIV3Schema'] : undefined
    if (!isObject(written)) {
      errors.push({ pointer: `${at}/schema/openAPIV3Schema`, detail: 'is required' })
      return []
    }
    // A document is JSON. Where the whole spec says so, unknown fields stay.
    const schema = withoutDescriptions(written as JsonObject)
    const whole = spec['preserveUnknownFields'] === true ? { ...schema, 'x-kubernetes-preserve-unknown-fields': true } : schema
    const compiled = compileStructural(whole, { isResource: true })
    if (!compiled.ok)
      errors.push(...compiled.problem.slice(0, 20).map((e) => ({ ...e, pointer: `${at}/schema/openAPIV3Schema${e.pointer}` })))
    return [{ ...of, version: name, digest: digest(canonicalize(whole)), schema: whole }]
  })
}

function shown(kind: unknown): string {
  return typeof kind === 'string' && kind !== '' ? kind.slice(0, 63) : 'missing'
}
