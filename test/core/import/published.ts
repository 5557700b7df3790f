import { existsSync, readFileSync } from 'node:fs'
import type { BlueprintDocument } from '../../../src/core/document/blueprint.ts'
import { parseDefinition, type Definition } from '../../../src/core/import/definition.ts'
import { machineryOf, type Which } from '../../../src/core/import/generated-crd.ts'
import { isObject, type JsonObject } from '../../../src/core/json.ts'
import { parseYamlDocuments } from '../../../src/core/yaml.ts'

/** Published definitions with what the real Crossplane and the real API server made of them. */
export const corpus = new URL('../../../../shared/corpus/', import.meta.url)
export const there = existsSync(corpus)
export type Row = {
  readonly xrd: string
  readonly file: string
  readonly doc: number
  readonly kind: string
  readonly result: string
  readonly message: string
}

export const read = (path: string) => readFileSync(new URL(path, corpus), 'utf8')
export const rows: readonly Row[] = there
  ? read('xrds/APISERVER.tsv')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => {
        const [xrd = '', file = '', doc = '', kind = '', result = '', message = ''] = line.split('\t')
        return { xrd, file, doc: Number(doc), kind, result, message }
      })
  : []
export function documents(path: string): readonly JsonObject[] {
  const parsed = parseYamlDocuments(read(path))
  if (!parsed.ok) throw new Error(`${path}: ${JSON.stringify(parsed.problem)}`)
  return parsed.value as readonly JsonObject[] // Of the corpus, where every document is an object.
}

export function definitionOf(xrd: string): Definition {
  const parsed = parseDefinition(documents(`xrds/${xrd}/xrd.yaml`)[0])
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problem))
  return parsed.value
}

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
export const nameOf = (object: JsonObject): string => (isObject(object['metadata']) ? textOf(object['metadata']['name']) : '')
export const specOf = (object: JsonObject): JsonObject => (isObject(object['spec']) ? (object['spec'] as JsonObject) : {})

export function without(object: JsonObject, names: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !Object.hasOwn(names, name)))
}

/** Of which of a definition's two kinds an object is. */
export function whichOf(definition: Definition, kind: string): Which {
  return definition.claimNames?.kind === kind ? 'claim' : 'composite'
}

/** What of an object is asked for, as a person would who has it at hand. */
export function parametersOf(definition: Definition, object: JsonObject, blueprint: BlueprintDocument): JsonObject {
  const own = without(specOf(object), machineryOf(definition, whichOf(definition, textOf(object['kind']))))
  const [manifest = {}] = blueprint.spec.manifests
  const nested = Object.hasOwn(specOf(manifest), 'parameters') && textOf(specOf(manifest)['parameters']).includes('${given}')
  return nested ? (isObject(own['parameters']) ? (own['parameters'] as JsonObject) : {}) : own
}

/** The manifests of planned files. */
export function parseManifests(contents: readonly string[]): readonly JsonObject[] {
  return contents.flatMap((content) => {
    const parsed = parseYamlDocuments(content)
    return parsed.ok ? (parsed.value as readonly JsonObject[]) : []
  })
}
