import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isObject, type JsonObject } from '../../src/core/json.ts'
import { makeKindSchemas, splitApiVersion } from '../../src/core/kind-schema.ts'
import { renderObject } from '../../src/core/manifest.ts'
import { parseResourceDefinition, type KindSchema } from '../../src/core/resource-definition.ts'
import { ofFiles, parseYamlDocuments } from '../../src/core/yaml.ts'

/** Published documents with what the real API server said of them: created by dry run under strict validation, against these definitions. */
const corpus = new URL('../../../shared/corpus/', import.meta.url)
const there = existsSync(corpus)
if (!there) process.stderr.write('the corpus of published documents is not there: left out is test/core/corpus-verdicts.test.ts\n')

type Row = { readonly file: string; readonly doc: number; readonly verdict: string; readonly message: string }

const read = (path: string) => readFileSync(new URL(path, corpus), 'utf8')
const rows: readonly Row[] = there
  ? read('APISERVER.tsv')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => {
        const [file = '', doc = '', , , verdict = '', message = ''] = line.split('\t')
        return { file, doc: Number(doc), verdict, message }
      })
  : []

function documents(path: string): readonly unknown[] {
  const parsed = parseYamlDocuments(read(path), ofFiles)
  if (!parsed.ok) throw new Error(`${path}: ${JSON.stringify(parsed.problem)}`)
  return parsed.value
}

function definitions(): readonly KindSchema[] {
  const folders = readdirSync(new URL('crds/', corpus)).map((folder) => `crds/${folder}/`)
  return folders.flatMap((folder) =>
    readdirSync(new URL(folder, corpus)).flatMap((file) =>
      documents(folder + file).flatMap((document) => {
        const parsed = parseResourceDefinition(document)
        if (!parsed.ok) throw new Error(`${folder}${file}: ${JSON.stringify(parsed.problem)}`)
        return parsed.value.kinds
      }),
    ),
  )
}

/** Groups of the API server's own kinds, which no definition brings. */
const builtIn = new Set(['', 'apps', 'batch', 'networking.k8s.io', 'rbac.authorization.k8s.io'])

/** As a plan judges it: the house's rules for names first, then the schema. */
function verdictOf(written: JsonObject, kinds: ReturnType<typeof makeKindSchemas>, byDigest: ReadonlyMap<string, JsonObject>): string {
  // Those that went without a name were given one.
  const metadata: JsonObject = { name: 'unnamed', ...(isObject(written['metadata']) ? (written['metadata'] as JsonObject) : {}) }
  const object: JsonObject = { ...written, metadata }
  const { group, version } = splitApiVersion(object['apiVersion'])
  const kind = typeof object['kind'] === 'string' ? object['kind'] : ''
  const place = { team: 't', environment: 'e', namespace: 'default', resource: 'r', index: 0 }
  const rendered = renderObject(object, { ...place, allow: { namespaces: [], clusterScoped: [{ group, kind }] } })
  const misnamed = rendered.ok ? [] : rendered.problem.filter(({ pointer }) => ['/apiVersion', '/metadata/name'].includes(pointer))
  if (misnamed.length > 0) return 'rejected'
  let found = kinds.find(group, version, kind)
  if (found.outcome === 'unread') {
    kinds.provide(kinds.takeUnread(), byDigest)
    found = kinds.find(group, version, kind)
  }
  if (found.outcome !== 'known') return builtIn.has(group) ? 'built in' : 'no-such-kind'
  const { judge } = found
  // Documents are applied into a namespace that they need not name.
  const { namespace: _, ...elsewhere } = metadata
  const placed = {
    ...object,
    metadata: judge.scope === 'Cluster' ? elsewhere : { ...metadata, namespace: metadata['namespace'] ?? 'default' },
  }
  const faults = judge.judge(placed, null)
  if (faults.length === 0) return 'ok'
  return faults.every(({ isThere }) => isThere) ? 'unknown-fields' : 'rejected'
}

test.skipIf(!there)('every published document gets the verdict of the API server', () => {
  const known = definitions()
  const kinds = makeKindSchemas(known)
  const byDigest = new Map(known.map(({ digest, schema }) => [digest, schema]))
  const parsed = new Map<string, readonly unknown[]>()

  const differences = rows.flatMap(({ file, doc, verdict, message }) => {
    const all = parsed.get(file) ?? documents(file)
    parsed.set(file, all)
    const document = all.filter((each) => each !== null)[doc - 1]
    const mine = isObject(document) ? verdictOf(document as JsonObject, kinds, byDigest) : 'none'
    return mine === verdict || (mine === 'built in' && verdict === 'ok') ? [] : [`${file}#${doc}: ${mine}, not ${verdict} ${message}`]
  })

  // The API server's own kinds are left out: no definition says what they are.
  expect(rows.length).toBeGreaterThan(900)
  expect(differences).toEqual([])
})
