import { objectKey, partsOf, type Blueprint } from './blueprint.ts'
import { EvaluationError } from './expression.ts'
import { committedObject, judgeObject } from './judge-object.ts'
import { mergePatch, type JsonObject } from './json.ts'
import { renderObject, type RenderedObject } from './manifest.ts'
import { findPlaintextSecrets } from './plaintext-secret.ts'
import type { ChangeInput, LiveResource, PlanFacts, PlanFile, PlannedChange, Warning } from './plan.ts'
import { policiesFor, type Environment, type Platform, type Team } from './platform.ts'
import { evaluatePolicies, type Policy, type Verdict } from './policy.ts'
import type { FieldError } from './problem.ts'
import { ok, refuse, type Result } from './result.ts'

/** One change with everything that it names looked up; `live` is null on create. */
export type ResolvedChange =
  | {
      readonly action: 'create'
      readonly index: number
      readonly input: Extract<ChangeInput, { action: 'create' }>
      readonly blueprint: Blueprint
      readonly live: null
    }
  | {
      readonly action: 'update'
      readonly index: number
      readonly input: Extract<ChangeInput, { action: 'update' }>
      readonly blueprint: Blueprint
      readonly live: LiveResource
    }
  | {
      readonly action: 'delete'
      readonly index: number
      readonly input: Extract<ChangeInput, { action: 'delete' }>
      readonly blueprint: Blueprint
      readonly live: LiveResource
    }

export type Where = { readonly platform: Platform; readonly team: Team; readonly environment: Environment }

export type DecidedChange = { readonly change: ResolvedChange; readonly verdict: Verdict; readonly policies: readonly Policy[] }

/** What policy says about a change; its parameters are effective from here on. */
export function decideChange({ platform, team, environment }: Where, change: ResolvedChange, facts: PlanFacts): Result<DecidedChange> {
  const { action, blueprint, live } = change
  const policies = policiesFor(platform, { team: team.name, environment: environment.name, blueprint: blueprint.name, action })
  const verdict = evaluatePolicies(
    policies,
    {
      action,
      blueprint,
      team: team.card,
      environment: environment.cardFor(team.name),
      resource: change.input.name,
      parameters: wanted(change),
      previous: live?.parameters ?? {},
      costBefore: live?.costMinor ?? 0n,
      requester: facts.requester,
      now: facts.now,
    },
    `/changes/${change.index}/parameters`,
  )
  return verdict.ok ? ok({ change, verdict: verdict.value, policies }) : verdict
}

/** What is wanted before defaults: an update is a merge patch on what is in effect. */
function wanted(change: ResolvedChange): JsonObject {
  switch (change.action) {
    case 'create':
      return change.input.parameters ?? {}
    case 'update':
      // An object patched with an object is an object.
      return mergePatch(change.live.parameters, change.input.parameters ?? {}) as JsonObject
    case 'delete':
      return change.live.parameters
  }
}

export type RenderedChange = {
  readonly change: ResolvedChange
  readonly planned: PlannedChange
  readonly objects: readonly RenderedObject[]
  readonly files: readonly PlanFile[]
  /** Of objects that nobody can check. */
  readonly warnings: readonly Warning[]
}

type Rendering = { readonly objects: readonly RenderedObject[]; readonly warnings: readonly Warning[] }

/** What a change leaves behind. `lenient`: what cannot be rendered has no files, instead of being refused. */
export function renderChange(where: Where, { change, verdict }: DecidedChange, facts: PlanFacts, lenient: boolean): Result<RenderedChange> {
  const rendered = change.action === 'delete' ? ok({ objects: [], warnings: [] }) : renderObjects(where, change, verdict, facts)
  if (!rendered.ok)
    return lenient ? ok({ change, planned: plannedChange(change, verdict, []), objects: [], files: [], warnings: [] }) : rendered
  const { objects, warnings } = rendered.value
  return ok({ change, planned: plannedChange(change, verdict, objects), objects, files: filesOf(where, change, objects), warnings })
}

function renderObjects(
  { platform, team, environment }: Where,
  change: ResolvedChange,
  verdict: Verdict,
  facts: PlanFacts,
): Result<Rendering> {
  const { blueprint, input, index } = change
  const { namespace } = environment.cardFor(team.name)
  const objects: RenderedObject[] = []
  const keys = new Set<string>()
  const errors: FieldError[] = []
  const secrets: FieldError[] = []
  const warnings: Warning[] = []
  const wrong = (manifest: number, detail: string) => {
    errors.push({
      pointer: `/changes/${index}`,
      detail: `${blueprint.name} ${blueprint.version} renders no valid object from manifest ${manifest}: ${detail}`,
    })
  }
  partsOf(blueprint).manifests.forEach((template, i) => {
    try {
      const output = template.render(verdict.values)
      // What has no form by itself, a password, can get one by what a manifest puts around it: a URL.
      for (const { detail } of findPlaintextSecrets(output, ''))
        secrets.push({ pointer: `/changes/${index}`, detail: `renders what ${detail}` })
      const place = { team: team.name, environment: environment.name, namespace, resource: input.name, index: i, allow: blueprint.allow }
      const object = renderObject(output, place)
      if (!object.ok) for (const { pointer, detail } of object.problem) wrong(i, `${pointer} ${detail}`)
      else if (keys.has(objectKey(object.value.ref))) wrong(i, `${object.value.ref.kind} ${object.value.ref.name} is rendered twice`)
      else {
        const { ref } = object.value
        keys.add(objectKey(ref))
        objects.push(object.value)
        // What was rendered into an object is one.
        const judged = judgeObject(platform, environment, output as JsonObject, ref, () => committedObject(change.live, facts, ref))
        for (const { pointer, detail } of judged.errors) wrong(i, `${ref.kind} ${ref.name}: ${pointer} ${detail}`)
        if (judged.warning !== null) warnings.push(judged.warning)
      }
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error
      wrong(i, error.message)
    }
  })
  if (secrets.length > 0) return refuse({ code: 'plaintext-secret', errors: secrets })
  return errors.length > 0 ? refuse({ code: 'invalid-manifest', errors }) : ok({ objects, warnings })
}

/** What the change does to the resource's folder; bytes that stay as they are do not appear. */
function filesOf({ team, environment }: Where, change: ResolvedChange, objects: readonly RenderedObject[]): readonly PlanFile[] {
  const folder = `${environment.pathFor(team.name)}/${change.input.name}`
  const before = new Map(change.live?.files.map((file) => [file.path, file.digest]))
  const files: PlanFile[] = []
  for (const { fileName, digest, content } of objects) {
    const path = `${folder}/${fileName}`
    const was = before.get(path)
    before.delete(path)
    if (was !== digest) files.push({ path, change: change.index, operation: was === undefined ? 'create' : 'update', digest, content })
  }
  for (const path of before.keys()) files.push({ path, change: change.index, operation: 'delete', digest: null, content: null })
  return files
}

function plannedChange(change: ResolvedChange, verdict: Verdict, objects: readonly RenderedObject[]): PlannedChange {
  const { action, blueprint, live, input } = change
  return {
    action,
    name: input.name,
    resourceId: live?.id ?? null,
    baseRevision: live?.revision ?? null,
    blueprint: { name: blueprint.name, version: blueprint.version },
    parameters: action === 'delete' ? null : verdict.parameters,
    ttl: change.action === 'create' ? (change.input.ttl ?? null) : null,
    cost: { before: live?.costMinor ?? 0n, after: verdict.costAfter },
    objects: objects.map((object) => object.ref),
    overwrite: change.action === 'create' ? false : (change.input.overwrite ?? false),
  }
}
