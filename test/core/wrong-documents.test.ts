import { describe, expect, it } from 'vitest'
import { parseDocument, type Document } from '../../src/core/document/document.ts'
import { checkPlatform } from '../../src/core/platform-check.ts'
import type { FieldError } from '../../src/core/problem.ts'
import { base, makeDocument, makePlatform } from './platforms.ts'
import { box, configMap, doc, place, wrongDocuments } from './wrong-documents.ts'

/** Everything that is wrong with documents applied together to the base platform, at `/documents/<n>`. */
function apply(...values: readonly unknown[]): readonly FieldError[] {
  const errors: FieldError[] = []
  const documents: Document[] = []
  values.forEach((value, i) => {
    const parsed = parseDocument(value, `/documents/${i}`)
    if (parsed.ok) documents.push(parsed.value)
    else if (parsed.problem.code === 'invalid-document') errors.push(...parsed.problem.errors)
    else throw new Error(parsed.problem.code)
  })
  if (errors.length > 0) return errors
  const key = (document: Document) =>
    `${document.kind}/${document.metadata.name}${document.kind === 'Blueprint' ? `@${document.spec.version}` : ''}`
  const replaced = new Set(documents.map(key))
  const platform = makePlatform([...base.filter((document) => !replaced.has(key(document))), ...documents])
  const result = checkPlatform(
    platform,
    documents.map((document, i) => ({ document, pointer: `/documents/${i}` })),
  )
  if (result.ok) return []
  if (result.problem.code !== 'invalid-document') throw new Error(result.problem.code)
  return result.problem.errors
}

describe('a wrong document', () => {
  it.each(wrongDocuments)('is refused for $what', ({ documents, errors }) => {
    expect(apply(...documents)).toEqual(errors)
  })

  it('is refused together with whatever else is wrong in the same apply, each at its own place', () => {
    const errors = apply(
      doc('Budget', { limit: '1', scope: { team: 'green' } }, 'a'),
      doc('Service', { owner: 'red' }, 'b'),
      doc('Service', { owner: 'green' }, 'c'),
    )

    expect(errors.map((error) => error.pointer)).toEqual(['/documents/0/spec/scope/team', '/documents/2/spec/owner'])
  })

  it('is found at the blueprint when the policy was there before', () => {
    const policies = makeDocument('Policy', 'sizes', {
      match: { blueprints: ['b*'] },
      rules: [{ name: 'big', when: 'parameters.units > 500', effect: 'deny' }],
    })
    const next = makeDocument('Blueprint', 'box', {
      version: '2.0.0',
      parameters: { type: 'object', properties: {} },
      price: 'free',
      manifests: [{ ...configMap, data: {} }],
    })

    const result = checkPlatform(makePlatform([...base, policies, next]), [{ document: next, pointer: '' }])

    expect(result).toEqual({
      ok: false,
      problem: {
        code: 'invalid-document',
        errors: [
          {
            pointer: '/spec/parameters',
            detail: 'policy sizes would stop type-checking: rule big: no such key: units',
            frame: 'parameters.units > 500\n           ^',
          },
        ],
      },
    })
  })

  it('is found at the environment when that breaks the test of a policy that nobody changed', () => {
    const policies = makeDocument('Policy', 'regions', {
      rules: [{ name: 'eu-only', when: '!environment.values.region.startsWith("eu-")', effect: 'deny' }],
      tests: [
        {
          name: 'dev is in the EU',
          given: { blueprint: 'box', environment: 'dev', team: 'red', parameters: { units: 1 } },
          expect: 'allowed',
        },
      ],
    })
    const moved = makeDocument('Environment', 'dev', {
      gitops: { path: 'tenants/${team.name}/dev' },
      namespace: '${team.name}-dev',
      values: { region: 'us-west-2' },
    })

    const result = checkPlatform(makePlatform([...base.filter((d) => d.metadata.name !== 'dev'), policies, moved]), [
      { document: moved, pointer: '/documents/4' },
    ])

    expect(result).toMatchObject({
      ok: false,
      problem: {
        errors: [
          {
            pointer: '/documents/4',
            detail: expect.stringContaining('policy regions: test "dev is in the EU" fails: expected allowed, got denied'),
          },
        ],
      },
    })
  })

  it.each(['Team', 'Environment', 'Blueprint', 'Policy', 'Budget', 'Service', 'Trust'])(
    'is a %s that names a field of a later version',
    (kind) => {
      const parsed = parseDocument({
        apiVersion: 'purser.dev/v1',
        kind,
        metadata: { name: 'x' },
        spec: { engine: 'argocd', outputs: {}, freezes: {} },
      })

      expect(parsed.ok ? [] : 'errors' in parsed.problem ? parsed.problem.errors.map((e) => e.pointer) : []).toEqual(
        expect.arrayContaining(['/spec/engine', '/spec/outputs', '/spec/freezes']),
      )
    },
  )
})

describe('a right document', () => {
  it('may name a file repository where that is allowed', () => {
    const document = makeDocument('Environment', 'x', {
      gitops: { path: 'new/${team.name}', repository: 'file:///srv/gitops.git' },
      namespace: '${team.name}-new',
    })
    const platform = { ...makePlatform([...base, document]), allowFileRepositories: true }

    expect(checkPlatform(platform, [{ document, pointer: '' }]).ok).toBe(true)
  })

  it.each([
    ['https', { repository: 'https://git.example.com:8443/platform/gitops.git', proxy: 'http://proxy.example.com:3128' }],
    ['https with a token', { repository: 'https://x-token-auth@git.example.com/a/b', auth: { token: { env: 'PURSER_SECRET_GITOPS' } } }],
    ['http on a loopback address', { repository: 'http://127.0.0.1:3000/x.git', auth: { token: { file: '/run/secrets/gitops' } } }],
    [
      'ssh',
      {
        repository: 'ssh://git@git.example.com:2222/~git/x.git',
        auth: { sshKey: { file: '/etc/key' }, knownHosts: { file: '/etc/hosts' } },
      },
    ],
  ])('may name a repository behind %s', (_, gitops) => {
    expect(apply(place({ gitops: { path: 'new/${team.name}', ...gitops } }))).toEqual([])
  })

  it('may overlap with a path on another branch', () => {
    expect(apply(place({ gitops: { path: 'tenants/${team.name}', branch: 'other' } }))).toEqual([])
  })

  it('may set one parameter always in environments that no other such rule covers', () => {
    const ha = (name: string, environment: string, units: number) =>
      doc(
        'Policy',
        { match: { environments: [environment] }, rules: [{ name: 'a', when: 'true', effect: 'set', set: { 'parameters.units': units } }] },
        name,
      )

    expect(apply(ha('one', 'dev', 1), ha('two', 'prod', 2))).toEqual([])
    expect(apply(ha('one', 'dev', 1), ha('two', '*', 2))).not.toEqual([])
  })

  it('may say apart from the schema what only some requests need', () => {
    expect(apply(box({ manifests: [{ ...configMap, data: { note: '${parameters.note}' } }] }))).toEqual([])
  })
})
