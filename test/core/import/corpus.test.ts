import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { BlueprintDocument } from '../../../src/core/document/blueprint.ts'
import { generateCrd, machineryOf, type Which } from '../../../src/core/import/generated-crd.ts'
import { importDefinition } from '../../../src/core/import/import-definition.ts'
import { isObject, type Json, type JsonObject } from '../../../src/core/json.ts'
import { planRequest } from '../../../src/core/plan-request.ts'
import { compileStructural } from '../../../src/core/structural/structural.ts'
import { parseYamlDocuments } from '../../../src/core/yaml.ts'
import { base, makeFacts, makePlatform } from '../platforms.ts'
import {
  corpus,
  definitionOf,
  documents,
  nameOf,
  parametersOf,
  parseManifests,
  read,
  rows,
  specOf,
  textOf,
  there,
  whichOf,
  without,
} from './published.ts'

if (!there) process.stderr.write('the corpus of published definitions is not there: left out is test/core/import/corpus.test.ts\n')

const xrds = [...new Set(rows.map((row) => row.xrd))]

const imported = new Map<string, ReturnType<typeof importDefinition>>()
function importOf(xrd: string): ReturnType<typeof importDefinition> {
  let result = imported.get(xrd)
  if (result === undefined) {
    result = importDefinition(documents(`xrds/${xrd}/xrd.yaml`)[0], { price: 'free', allow: null, previous: () => null })
    imported.set(xrd, result)
  }
  return result
}

function blueprintOf(xrd: string): BlueprintDocument {
  const result = importOf(xrd)
  if (!result.ok) throw new Error(JSON.stringify(result.problem.reasons))
  return result.value.document
}

const label = /^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$/

function planOf(xrd: string, object: JsonObject) {
  const blueprint = blueprintOf(xrd)
  const platform = makePlatform([...base, blueprint])
  const name = nameOf(object)
  // Resources have shorter names than objects may have.
  const asked = label.test(name) || name.includes('$') ? name : 'example'
  const parameters = parametersOf(definitionOf(xrd), object, blueprint)
  const changes = [{ action: 'create', blueprint: blueprint.metadata.name, name: asked, parameters }] as const
  return planRequest(platform, { team: 'red', environment: 'dev', changes }, makeFacts())
}

const structural = new Map<string, ReturnType<typeof compileStructural>>()
function schemaOf(xrd: string, kind: string, version: string) {
  const key = `${xrd} ${kind} ${version}`
  const known = structural.get(key)
  if (known !== undefined) return known
  const crd = generatedCrds(xrd).find((c) => (specOf(c)['names'] as JsonObject)['kind'] === kind)
  const versions = (specOf(crd ?? {})['versions'] ?? []) as readonly JsonObject[]
  const schema = versions.find((v) => v['name'] === version)?.['schema'] as JsonObject | undefined
  const compiled = compileStructural((schema?.['openAPIV3Schema'] ?? {}) as JsonObject, { isResource: true })
  structural.set(key, compiled)
  return compiled
}

function generatedCrds(xrd: string): readonly JsonObject[] {
  return readdirSync(new URL(`xrds/${xrd}/`, corpus))
    .filter((file) => file.startsWith('generated-crd-'))
    .flatMap((file) => documents(`xrds/${xrd}/${file}`))
}

/** Keywords that the API server forgets. */
function withoutUnknown(schema: Json, isSchema = true): Json {
  if (Array.isArray(schema)) return schema.map((item: Json) => withoutUnknown(item, isSchema))
  if (!isObject(schema)) return schema
  const data = new Set(['default', 'enum', 'example', 'x-kubernetes-validations', 'required', 'x-kubernetes-list-map-keys'])
  return Object.fromEntries(
    Object.entries(schema as JsonObject)
      .filter(([key]) => !isSchema || key !== 'name')
      .map(([key, value]) => [key, isSchema && data.has(key) ? value : withoutUnknown(value, !isSchema || key !== 'properties')]),
  )
}

describe.skipIf(!there)('published definitions', () => {
  it.each(xrds)('%s is imported, or refused for what Crossplane refuses it for', (xrd) => {
    const result = importOf(xrd)

    if (xrd === 'stuttgart-github-runner-v2-with-claimnames') {
      expect(result.ok ? [] : result.problem.reasons).toEqual([
        { pointer: '/spec/claimNames', detail: 'must be left out: claims: there are none in apiextensions.crossplane.io/v2' },
      ])
    } else {
      expect(result.ok ? [] : result.problem.reasons).toEqual([])
    }
  })

  it.each(xrds.filter((xrd) => there && generatedCrds(xrd).length > 0))('%s has the schema that Crossplane generates', (xrd) => {
    const definition = definitionOf(xrd)
    const whiches: readonly Which[] = definition.claimNames === null ? ['composite'] : ['claim', 'composite']
    const own = whiches.map((which) => generateCrd(definition, which))
    const theirs = generatedCrds(xrd)

    expect(own.length).toBe(theirs.length)
    for (const crd of own) {
      const twin = theirs.find((c) => nameOf(c) === nameOf(crd)) ?? {}
      expect(specOf(crd)['scope']).toBe(specOf(twin)['scope'])
      const schemas = (of: JsonObject) =>
        (specOf(of)['versions'] as readonly JsonObject[]).map(({ name, schema }) => ({ name, schema }) as JsonObject)
      expect(schemas(crd).map((s) => withoutUnknown(s['schema'] ?? null))).toEqual(schemas(twin).map((s) => s['schema'] ?? null))
    }
  })

  it.each(rows.filter((row) => row.kind !== 'CompositeResourceDefinition' && row.result === 'ok'))(
    '$xrd $file is planned to what was written, and admitted as it was',
    ({ xrd, file, doc }) => {
      const definition = definitionOf(xrd)
      const object = documents(`xrds/${xrd}/${file}`)[doc - 1] ?? {}
      const which = whichOf(definition, textOf(object['kind']))
      const plan = planOf(xrd, object)

      expect(plan.ok ? [] : plan.problem).toEqual([])
      if (!plan.ok) return
      const [manifest = {}] = parseManifests(plan.value.files.map((planned) => planned.content ?? ''))
      const rendered = definition.claimNames === null ? 'composite' : 'claim'
      const machinery = machineryOf(definition, rendered)
      expect(without(specOf(manifest), machinery)).toEqual(without(specOf(object), machineryOf(definition, which)))

      const schema = schemaOf(xrd, textOf(manifest['kind']), textOf(manifest['apiVersion']).split('/')[1] ?? '')
      if (!schema.ok) throw new Error(JSON.stringify(schema.problem))
      const filled = schema.value.applyDefaults(manifest) as JsonObject
      expect([...schema.value.unknownFields(filled), ...schema.value.validate(filled)]).toEqual([])
      const admitted =
        (JSON.parse(read(`xrds/${xrd}/${file.replace('.yaml', '.admitted.json')}`)) as readonly JsonObject[]).find(
          (a) => a['doc'] === doc,
        ) ?? {}
      expect(without(specOf(filled), machinery)).toEqual(without(specOf(admitted), machineryOf(definition, which)))
    },
  )

  it.each(
    rows.filter(
      ({ kind, result, xrd }) =>
        kind !== 'CompositeResourceDefinition' &&
        result !== 'ok' &&
        xrd !== 'stuttgart-github-runner-v2-with-claimnames' &&
        xrd !== 'vfarcic-sql-v2alpha1',
    ),
  )('$xrd $file is refused where the API server refuses it', ({ xrd, file, doc, message }) => {
    const plan = planOf(xrd, documents(`xrds/${xrd}/${file}`)[doc - 1] ?? {})

    expect(plan.ok).toBe(false)
    const pointers = plan.ok || !('errors' in plan.problem) ? [] : plan.problem.errors.map((error) => error.pointer)
    if (message.includes('metadata.name')) expect(pointers).toEqual(['/changes/0/name'])
    else {
      // What belongs to Crossplane's own fields is no parameter at all.
      const fields = [...message.matchAll(/unknown field "spec\.([^"]+)"/g)]
        .map(([, field = '']) => field)
        .filter((field) => field !== 'compositeDeletePolicy')
      expect(pointers).toEqual(fields.map((field) => `/changes/0/parameters/${field.replace(/^parameters\./, '').replaceAll('.', '/')}`))
    }
  })

  it('is refused, with the place, where YAML readers do not agree what it is', () => {
    const parsed = parseYamlDocuments(read('parser-edge/upbound-gcp-database-v2/xrd.yaml'))

    expect(parsed.ok ? [] : parsed.problem.map((e) => e.detail.replace(/:.*/, ''))).toContain('line 72, column 99')
  })
})
