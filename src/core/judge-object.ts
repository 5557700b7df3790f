import { objectKey } from './blueprint.ts'
import { isObject, type JsonObject } from './json.ts'
import { splitApiVersion, type Fault } from './kind-schema.ts'
import type { LiveResource, ObjectRef, PlanFacts, Warning } from './plan.ts'
import type { Environment, Platform } from './platform.ts'

/** What is to be said of a rendered object that is well formed. Pointers start at the object. */
export type Judgement = { readonly errors: readonly Fault[]; readonly warning: Warning | null }

const fine: Judgement = { errors: [], warning: null }

/**
 * What the API server would say of an object. Where nobody ever named a schema nothing is said of kinds without one, unless
 * the environment is strict. Files are not changed by it: defaults are the API server's to fill in.
 */
export function judgeObject(
  { schemas }: Platform,
  environment: Pick<Environment, 'name' | 'validation'>,
  object: JsonObject,
  ref: ObjectRef,
  before: () => JsonObject | null,
): Judgement {
  const strict = environment.validation === 'strict'
  if (schemas.isEmpty && !strict) return fine
  const { version } = splitApiVersion(object['apiVersion'])
  const found = schemas.find(ref.group, version, ref.kind)
  switch (found.outcome) {
    case 'unread':
      return fine
    case 'known': {
      const { judge } = found
      return { errors: judge.judge(object, judge.hasTransitions ? before() : null), warning: null }
    }
    case 'unknown': {
      const why = `no schema of ${ref.group === '' ? '' : `${ref.group}/`}${version} ${ref.kind} is known${found.served.length === 0 ? '' : `; it is known as ${found.served.join(', ')}`}`
      return strict
        ? {
            errors: [{ pointer: '/kind', detail: `cannot be checked: ${why}; environment ${environment.name} is strict`, isThere: false }],
            warning: null,
          }
        : { errors: [], warning: { policy: 'validation', rule: 'unknown-kind', message: `${ref.kind} ${ref.name} is not checked: ${why}` } }
    }
  }
}

/** An object as it is committed: what the object of the same name was before. */
export function committedObject(live: LiveResource | null, facts: PlanFacts, ref: ObjectRef): JsonObject | null {
  const objects = live === null ? [] : (facts.committed?.(live) ?? [])
  const wanted = objectKey(ref)
  return objects.find((object) => objectKey(refOf(object)) === wanted) ?? null
}

function refOf(object: JsonObject): ObjectRef {
  const metadata: JsonObject = isObject(object['metadata']) ? (object['metadata'] as JsonObject) : {}
  const text = (value: unknown) => (typeof value === 'string' ? value : '')
  const { group } = splitApiVersion(object['apiVersion'])
  return { group, kind: text(object['kind']), namespace: text(metadata['namespace']), name: text(metadata['name']) }
}
