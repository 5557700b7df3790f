import { describe, expect, test } from 'vitest'
import type { BlueprintDocument } from '../../src/core/document/blueprint.ts'
import { machineryOf } from '../../src/core/import/generated-crd.ts'
import {
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
} from '../core/import/published.ts'
import { openServer } from '../support/server.ts'

/** Over real HTTP: every published definition is imported, and every example that the API server admits is planned to what was written. */

if (!there) process.stderr.write('the corpus of published definitions is not there: left out is test/faces/import-corpus.test.ts\n')

const { api } = await openServer()
const document = (kind: string, name: string, spec: object) => ({ apiVersion: 'purser.dev/v1', kind, metadata: { name }, spec })
const platform = [
  document('Team', 'red', { members: [{ user: 'dev@example.com', role: 'developer' }] }),
  document('Environment', 'dev', { gitops: { path: 'dev/${team.name}' }, namespace: '${team.name}-dev' }),
]
const xrds = [...new Set(rows.map((row) => row.xrd))].filter((xrd) => xrd !== 'stuttgart-github-runner-v2-with-claimnames')
const resourceName = /^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$/

type Imported = { readonly outcome: string; readonly version: string; readonly reasons: unknown; readonly document: BlueprintDocument }

describe.skipIf(!there)('a published definition', async () => {
  if (there) expect((await api('POST', '/v1/apply', { documents: platform })).status).toBe(200)

  test.each(xrds)('%s is imported, and its examples are asked for', async (xrd) => {
    const answer = await api('POST', '/v1/blueprints/import', read(`xrds/${xrd}/xrd.yaml`))
    expect(answer.status).toBe(200)
    const [imported] = (answer.body as unknown as { results: readonly Imported[] }).results
    expect([imported?.outcome, imported?.reasons]).toEqual([expect.stringMatching(/^(created|changed)$/), []])
    if (imported === undefined) return
    const definition = definitionOf(xrd)
    const rendered = definition.claimNames === null ? 'composite' : 'claim'

    for (const { file, doc, kind } of rows.filter(
      (row) => row.xrd === xrd && row.kind !== 'CompositeResourceDefinition' && row.result === 'ok',
    )) {
      const object = documents(`xrds/${xrd}/${file}`)[doc - 1] ?? {}
      const name = resourceName.test(nameOf(object)) ? nameOf(object) : 'example'
      const blueprint = `${imported.document.metadata.name}@${imported.version}`
      const parameters = parametersOf(definition, object, imported.document)
      const plan = await api(
        'POST',
        '/v1/plans',
        { team: 'red', environment: 'dev', changes: [{ action: 'create', blueprint, name, parameters }] },
        { as: 'dev@example.com' },
      )

      expect([file, plan.status, plan.status === 200 ? null : plan.body]).toEqual([file, 200, null])
      const { files } = (plan.body as unknown as { plan: { files: readonly { content: string }[] } }).plan
      const [manifest = {}] = parseManifests(files.map(({ content }) => content))
      expect(without(specOf(manifest), machineryOf(definition, rendered))).toEqual(
        without(specOf(object), machineryOf(definition, whichOf(definition, textOf(kind)))),
      )
    }
  })
})
