import { canonicalize, digest, isObject, setOwn, type Json, type JsonObject } from './json.ts'
import type { ObjectRef } from './plan.ts'
import type { FieldError } from './problem.ts'
import { ok, refuse, type Result } from './result.ts'
import { emitYaml } from './yaml.ts'

/**
 * From what a template rendered to the file that is committed: checked, labelled, in Kubernetes' order of keys. Names of
 * files come from names that were checked here, so that none can leave its directory.
 */

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

export const digestAnnotation = 'purser.dev/object-digest'

const dnsLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const dnsSubdomain = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/
const version = /^v[1-9][0-9]{0,3}((alpha|beta)[1-9][0-9]{0,3})?$/
/** As the API server holds it: in lower case it is a label, and a few published kinds begin with a small letter. */
const kindName = /^[A-Za-z][A-Za-z0-9]{0,62}$/
/** File systems allow 255 bytes; the number, the kind and the ending take their part. */
const maxFileName = 255

/** A manifest template's output → the file that is committed. Pointers start at the object. */
export function renderObject(output: Json, place: ObjectPlace): Result<RenderedObject, readonly FieldError[]> {
  if (!isObject(output)) return refuse([{ pointer: '', detail: 'renders no object' }])
  const object = output as JsonObject
  const metadata: JsonObject = isObject(object['metadata']) ? (object['metadata'] as JsonObject) : {}
  const ref = referenceOf(object, metadata)
  const fileName = `${String(place.index).padStart(2, '0')}-${ref.kind.toLowerCase()}-${ref.name}.yaml`
  const errors = checkIdentity(object, metadata, ref, fileName).concat(checkPlace(ref, place), checkMetadata(metadata))
  if (errors.length > 0) return refuse(errors)

  const content = emitYaml(labelled(object, metadata, place))
  return ok({ ref, fileName, content, digest: digest(content) })
}

function referenceOf(object: JsonObject, metadata: JsonObject): ObjectRef {
  const text = (value: Json | undefined) => (typeof value === 'string' ? value : '')
  const apiVersion = text(object['apiVersion'])
  const slash = apiVersion.lastIndexOf('/')
  return {
    group: slash === -1 ? '' : apiVersion.slice(0, slash),
    kind: text(object['kind']),
    namespace: text(metadata['namespace']),
    name: text(metadata['name']),
  }
}

function checkIdentity(object: JsonObject, metadata: JsonObject, ref: ObjectRef, fileName: string): FieldError[] {
  const errors: FieldError[] = []
  const apiVersion = object['apiVersion']
  if (typeof apiVersion !== 'string' || !isApiVersion(apiVersion)) {
    errors.push({ pointer: '/apiVersion', detail: 'must be a version such as v1 or apps/v1' })
  }
  if (!kindName.test(ref.kind)) errors.push({ pointer: '/kind', detail: 'must be a kind such as ConfigMap' })
  if (object['metadata'] !== undefined && !isObject(object['metadata'])) errors.push({ pointer: '/metadata', detail: 'must be an object' })
  if (!isSubdomain(ref.name))
    errors.push({ pointer: '/metadata/name', detail: 'must be a name of lower-case letters, digits, - and ., of at most 253 characters' })
  else if (fileName.length > maxFileName)
    errors.push({ pointer: '/metadata/name', detail: `makes the file name longer than ${maxFileName} characters` })
  if (metadata['namespace'] !== undefined && !dnsLabel.test(ref.namespace)) {
    errors.push({ pointer: '/metadata/namespace', detail: 'must be a name of lower-case letters, digits and -, of at most 63 characters' })
  }
  for (const field of serversFields) {
    if (metadata[field] !== undefined) errors.push({ pointer: `/metadata/${field}`, detail: 'is not for a manifest to say' })
  }
  if (object['status'] !== undefined) errors.push({ pointer: '/status', detail: 'is not for a manifest to say' })
  return errors
}

/** What the API server says about an object. */
const serversFields = ['generateName', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields']

function isApiVersion(text: string): boolean {
  const slash = text.indexOf('/')
  return version.test(text.slice(slash + 1)) && (slash === -1 || isSubdomain(text.slice(0, slash)))
}

function isSubdomain(name: string): boolean {
  return name.length <= 253 && dnsSubdomain.test(name)
}

function checkPlace(ref: ObjectRef, place: ObjectPlace): readonly FieldError[] {
  if (ref.namespace === '') {
    const allowed = place.allow.clusterScoped.some((scope) => scope.group === ref.group && scope.kind === ref.kind)
    return allowed
      ? []
      : [
          {
            pointer: '/metadata/namespace',
            detail: `is required: without it ${ref.kind === '' ? 'the object' : ref.kind} is cluster-scoped, which spec.allow.clusterScoped does not list`,
          },
        ]
  }
  if (ref.namespace === place.namespace || place.allow.namespaces.includes(ref.namespace)) return []
  return [
    {
      pointer: '/metadata/namespace',
      detail: `must be ${place.namespace} (environment.namespace), or a namespace that spec.allow.namespaces lists`,
    },
  ]
}

function checkMetadata(metadata: JsonObject): readonly FieldError[] {
  const errors: FieldError[] = []
  for (const field of ['labels', 'annotations'] as const) {
    const map = metadata[field]
    if (map === undefined) continue
    if (!isObject(map)) errors.push({ pointer: `/metadata/${field}`, detail: 'must be an object of strings' })
    else for (const [key, value] of Object.entries(map)) errors.push(...checkEntry(field, key, value))
  }
  return errors
}

const labelValue = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/

function checkEntry(field: 'labels' | 'annotations', key: string, value: unknown): readonly FieldError[] {
  const pointer = `/metadata/${field}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
  if (typeof value !== 'string') return [{ pointer, detail: 'must be a string; put it in quotes' }]
  if (field === 'labels' && !labelValue.test(value))
    return [{ pointer, detail: 'must be at most 63 letters, digits, -, _ and ., with a letter or digit at both ends' }]
  // A label of ours that says something else would make the file lie about whose it is.
  if (key.startsWith('purser.dev/') || key === 'app.kubernetes.io/managed-by') return [{ pointer, detail: 'is set by Purser' }]
  return []
}

/**
 * The object with Purser's labels, in order, and the digest of all that as an annotation: so whoever reads the object in a
 * cluster can tell whether it is what was planned.
 */
function labelled(object: JsonObject, metadata: JsonObject, place: ObjectPlace): JsonObject {
  const labels = {
    ...(metadata['labels'] as JsonObject | undefined),
    'app.kubernetes.io/managed-by': 'purser',
    'purser.dev/team': place.team,
    'purser.dev/environment': place.environment,
    'purser.dev/resource': place.resource,
  }
  const annotations = metadata['annotations'] as JsonObject | undefined
  const result = inOrder(object, metadataWith(metadata, labels, annotations))
  result['metadata'] = metadataWith(metadata, labels, { ...annotations, [digestAnnotation]: digest(canonicalize(result)) })
  return result
}

const firstMembers = ['apiVersion', 'kind', 'metadata', 'spec', 'data']

function inOrder(object: JsonObject, metadata: JsonObject): Record<string, Json> {
  const ordered: Record<string, Json> = {}
  for (const key of firstMembers) {
    const value = key === 'metadata' ? metadata : object[key]
    if (value !== undefined) ordered[key] = value
  }
  for (const key of Object.keys(object)) if (!firstMembers.includes(key)) setOwn(ordered, key, object[key])
  return ordered
}

function metadataWith(metadata: JsonObject, labels: JsonObject, annotations: JsonObject | undefined): JsonObject {
  const { name, namespace } = metadata
  const ordered: Record<string, Json> = {}
  if (name !== undefined) ordered['name'] = name
  if (namespace !== undefined) ordered['namespace'] = namespace
  ordered['labels'] = labels
  if (annotations !== undefined) ordered['annotations'] = annotations
  for (const key of Object.keys(metadata)) if (!Object.hasOwn(ordered, key)) setOwn(ordered, key, metadata[key])
  return ordered
}
