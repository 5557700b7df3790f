import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ChangeInput, RequestInput } from '../../src/core/plan.ts'
import { base, boxSpec, createBox, liveAfter, makeDocument, makeFacts, makePlatform, planned, refusal, withDocuments } from './platforms.ts'

const platform = withDocuments(makeDocument('Blueprint', 'free-box', { ...boxSpec, price: 'free' }))

function request(...changes: readonly object[]): RequestInput {
  // Some of them are wrong on purpose.
  return { team: 'red', environment: 'dev', changes: changes as readonly ChangeInput[] }
}

const create = (name: string, extra: object = {}) => ({ action: 'create', blueprint: 'box', name, parameters: { units: 5 }, ...extra })

function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text, 'utf8').digest('hex')}`
}

describe('a create', () => {
  it('plans its files, its cost and its objects', () => {
    const plan = planned(platform, request(create('orders', { ttl: 'P14D' })))

    expect(plan).toMatchObject({
      team: 'red',
      environment: 'dev',
      repository: 'embedded',
      branch: 'main',
      decision: { outcome: 'allowed' },
    })
    expect(plan.changes).toEqual([
      {
        action: 'create',
        name: 'orders',
        resourceId: null,
        baseRevision: null,
        blueprint: { name: 'box', version: '1.0.0' },
        parameters: { units: 5, region: 'eu', backup: { days: 7 } },
        ttl: 'P14D',
        cost: { before: 0n, after: 500n },
        objects: [{ group: '', kind: 'ConfigMap', namespace: 'red-dev', name: 'orders' }],
        overwrite: false,
      },
    ])
    expect(plan.files.map(({ path, operation, change }) => ({ path, operation, change }))).toEqual([
      { path: 'tenants/red/dev/orders/00-configmap-orders.yaml', operation: 'create', change: 0 },
    ])
  })

  it("takes the environment's own defaults", () => {
    expect(planned(platform, { ...request(create('a')), environment: 'prod' }).changes[0]?.parameters).toMatchObject({
      backup: { days: 30 },
    })
  })

  it('has files whose digests are those of their bytes', () => {
    for (const file of planned(platform, request(create('a'), create('b'))).files) expect(file.digest).toBe(sha256(file.content ?? ''))
  })

  it('of a name that lives already is refused', () => {
    const live = liveAfter(planned(platform, createBox({ units: 1 })))

    expect(refusal(platform, createBox({ units: 1 }), makeFacts([live]))).toEqual({
      code: 'resource-exists',
      name: 'a-box',
      environment: 'dev',
      pointer: '/changes/0/name',
    })
  })
})

describe('an update', () => {
  const live = liveAfter(planned(platform, createBox({ units: 5, note: 'old', backup: { window: 'night', days: 3 } })), 4)
  const facts = makeFacts([live])
  const update = (parameters: object, extra: object = {}) => request({ action: 'update', name: 'a-box', parameters, ...extra })

  it('is a merge patch on what is in effect: null removes, then a default comes back', () => {
    const [change] = planned(platform, update({ units: 6, note: null, backup: { days: null } }), facts).changes

    expect(change).toMatchObject({
      parameters: { units: 6, region: 'eu', backup: { window: 'night', days: 7 } },
      baseRevision: 4,
      resourceId: live.id,
      cost: { before: 500n, after: 600n },
    })
    expect(change?.parameters).not.toHaveProperty('note')
  })

  it('has only the files whose bytes change', () => {
    expect(planned(platform, update({ units: 6 }), facts).files).toMatchObject([
      { operation: 'update', path: 'tenants/red/dev/a-box/00-configmap-a-box.yaml' },
    ])
    expect(planned(platform, update({}), facts).files).toEqual([])
  })

  it('deletes the files that are rendered no more and creates those that are new', () => {
    const [manifest] = boxSpec.manifests
    const next = makePlatform([
      ...base,
      makeDocument('Blueprint', 'box', { ...boxSpec, version: '1.1.0', manifests: [{ ...manifest, kind: 'Secret' }] }),
    ])

    const plan = planned(next, update({}, { blueprint: 'box' }), facts)

    expect(plan.changes[0]?.blueprint.version).toBe('1.1.0')
    expect(plan.files.map((f) => [f.operation, f.path.split('/').at(-1)])).toEqual([
      ['delete', '00-configmap-a-box.yaml'],
      ['create', '00-secret-a-box.yaml'],
    ])
    expect(plan.files[0]).toMatchObject({ digest: null, content: null })
  })

  it('stays on its version unless it says otherwise', () => {
    const next = makePlatform([...base, makeDocument('Blueprint', 'box', { ...boxSpec, version: '2.0.0' })])

    expect(planned(next, update({ units: 6 }), facts).changes[0]?.blueprint.version).toBe('1.0.0')
    expect(planned(next, update({ units: 6 }, { blueprint: 'box@2.0.0' }), facts).changes[0]?.blueprint.version).toBe('2.0.0')
  })

  it('does not move to another blueprint', () => {
    expect(refusal(platform, update({}, { blueprint: 'free-box' }), facts)).toEqual({
      code: 'invalid',
      errors: [
        { pointer: '/changes/0/blueprint', detail: 'a-box is a box; an update can move it to another version of box, not to free-box' },
      ],
    })
  })

  it('may say that it writes over what others changed', () => {
    expect(planned(platform, update({}, { overwrite: true }), facts).changes[0]?.overwrite).toBe(true)
  })
})

describe('a delete', () => {
  const live = liveAfter(planned(platform, { ...createBox({ units: 5 }), environment: 'prod' }), 2)

  it('removes every file of the resource and frees its cost', () => {
    const plan = planned(platform, { ...request({ action: 'delete', name: 'a-box' }), environment: 'prod' }, makeFacts([live]))

    expect(plan.changes).toEqual([
      {
        action: 'delete',
        name: 'a-box',
        resourceId: live.id,
        baseRevision: 2,
        blueprint: { name: 'box', version: '1.0.0' },
        parameters: null,
        ttl: null,
        cost: { before: 500n, after: 0n },
        objects: [],
        overwrite: false,
      },
    ])
    expect(plan.files).toEqual([{ path: live.files[0]?.path, change: 0, operation: 'delete', digest: null, content: null }])
  })

  it("needs the environment's own approval, once a request", () => {
    const other = { ...live, name: 'b-box', files: [] }
    const plan = planned(
      platform,
      { ...request({ action: 'delete', name: 'a-box' }, { action: 'delete', name: 'b-box' }), environment: 'prod' },
      makeFacts([live, other]),
    )

    expect(plan.decision).toMatchObject({
      outcome: 'requires_approval',
      approvals: [{ source: 'environment', policy: null, rule: null, approvers: { team: 'red', role: 'owner' }, required: 2 }],
    })
    expect(plan.decision.approvals).toHaveLength(1)
  })

  it('works on parameters that today no schema would let through', () => {
    const old = { ...live, parameters: { units: 100_000 } }

    expect(
      planned(platform, { ...request({ action: 'delete', name: 'a-box' }), environment: 'prod' }, makeFacts([old])).changes[0]?.action,
    ).toBe('delete')
  })
})

describe('a request', () => {
  it('gets everything that it names wrongly in one answer', () => {
    const input = request(
      create('a', { blueprint: 'bax' }),
      create('b', { blueprint: 'box@9.9.9' }),
      create('Not_A_Name'),
      create('a'),
      create('c', { ttl: 'P1M' }),
      create('x'.repeat(51)),
      { action: 'update', name: 'gone' },
      { action: 'delete', name: 'gone-too' },
    )

    const problem = refusal(platform, { ...input, team: 'rod', environment: 'staging' })

    expect(problem.code).toBe('invalid')
    expect('errors' in problem ? problem.errors.map((e) => e.pointer) : []).toEqual([
      '/team',
      '/environment',
      '/changes/0/blueprint',
      '/changes/1/blueprint',
      '/changes/2/name',
      '/changes/3/name',
      '/changes/4/ttl',
      '/changes/5/name',
    ])
    expect('errors' in problem ? problem.errors.slice(0, 4).map((e) => e.detail) : []).toEqual([
      'names no team that there is; did you mean red?',
      'names no environment that there is',
      'names no blueprint that there is; did you mean box?',
      'box has no version 9.9.9; it has 1.0.0',
    ])
  })

  it('gets told of resources that there are not', () => {
    const problem = refusal(platform, request({ action: 'update', name: 'gone' }, { action: 'delete', name: 'gone-too' }))

    expect(problem).toMatchObject({
      code: 'invalid',
      errors: [
        { pointer: '/changes/0/name' },
        { pointer: '/changes/1/name', detail: 'names no resource of red in dev; a resource is there once its create is committed' },
      ],
    })
  })

  it('changes something', () => {
    expect(refusal(platform, request())).toEqual({
      code: 'invalid',
      errors: [{ pointer: '/changes', detail: 'must have at least 1 item' }],
    })
  })

  it('gets all wrong parameters of all changes in one answer, from its own root', () => {
    const problem = refusal(
      platform,
      request(create('a', { parameters: { units: 'many', colour: 'red' } }), create('b', { parameters: {} }), create('c')),
    )

    expect(problem).toEqual({
      code: 'invalid-parameters',
      errors: [
        { pointer: '/changes/0/parameters/colour', detail: 'is not a known field' },
        { pointer: '/changes/0/parameters/units', detail: 'must be a whole number' },
        { pointer: '/changes/1/parameters/units', detail: 'is required' },
      ],
    })
  })

  it('with a secret in it is refused before anything else is said, and the secret is not repeated', () => {
    const secret = `ghp_${'a1B2'.repeat(9)}`
    const problem = refusal(platform, {
      ...request(create('Not_A_Name', { parameters: { units: 'many', note: secret } })),
      reason: `with ${secret}`,
      team: 'rod',
    })

    expect(problem.code).toBe('plaintext-secret')
    expect(JSON.stringify(problem)).not.toContain(secret)
    expect('errors' in problem ? problem.errors.map((e) => e.pointer) : []).toEqual(['/reason', '/changes/0/parameters/note'])
  })

  it('with a secret for a name is refused', () => {
    const problem = refusal(platform, request(create(`key-${'0a1b'.repeat(8)}`)))

    expect(problem).toMatchObject({ code: 'plaintext-secret', errors: [{ pointer: '/changes/0/name' }] })
  })

  it('with what a manifest makes a secret of is refused, whichever parts it came in', () => {
    const parameters = { type: 'object', properties: { user: { type: 'string' }, word: { type: 'string' } } }
    const [manifest] = boxSpec.manifests
    const data = { url: 'postgres://${parameters.user}:${parameters.word}@db.example.com' }
    const linked = makeDocument('Blueprint', 'linked', { version: '1.0.0', parameters, price: 'free', manifests: [{ ...manifest, data }] })
    const problem = refusal(
      makePlatform([...base, linked]),
      request(create('a', { blueprint: 'linked', parameters: { user: 'ann', word: 'Kw8vTz' } })),
    )

    expect(problem).toMatchObject({ code: 'plaintext-secret', errors: [{ pointer: '/changes/0' }] })
    expect(JSON.stringify(problem)).not.toContain('Kw8vTz')
  })

  it('with what is no text is refused', () => {
    expect(refusal(platform, request(create('a', { parameters: { units: 1, note: 'a\0' } })))).toMatchObject({
      code: 'invalid',
      errors: [{ pointer: '/changes/0/parameters/note' }],
    })
  })

  it('nested without end is refused instead of exhausting the stack', () => {
    const deep = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`) as unknown

    expect(refusal(platform, request(create('a', { parameters: { units: 1, note: deep } })))).toMatchObject({ code: 'invalid' })
  })

  it('that would render one object twice is refused', () => {
    const [manifest] = boxSpec.manifests
    const shared = withDocuments(
      makeDocument('Blueprint', 'shared', {
        ...boxSpec,
        manifests: [{ ...manifest, metadata: { name: 'the-one', namespace: '${environment.namespace}' } }],
      }),
    )

    expect(refusal(shared, request(create('a', { blueprint: 'shared' }), create('b', { blueprint: 'shared' })))).toEqual({
      code: 'object-exists',
      object: 'ConfigMap the-one in red-dev',
      pointer: '/changes/1',
    })
  })

  it('that renders no valid object is refused, and the blueprint, the object and the place in it are named', () => {
    const [manifest] = boxSpec.manifests
    const named = withDocuments(
      makeDocument('Blueprint', 'named', {
        ...boxSpec,
        manifests: [{ ...manifest, metadata: { name: '${parameters.?note.orValue("x")}', namespace: '${environment.namespace}' } }],
      }),
    )

    expect(refusal(named, request(create('a', { blueprint: 'named', parameters: { units: 1, note: 'No Name' } })))).toMatchObject({
      code: 'invalid-manifest',
      errors: [
        {
          pointer: '/changes/0',
          detail: expect.stringMatching(/^named 1\.0\.0 renders no valid object from manifest 0: \/metadata\/name must be/),
        },
      ],
    })
  })

  it('that policy denies is planned whole, files and all', () => {
    const strict = withDocuments(
      makeDocument('Policy', 'no', { rules: [{ name: 'never', when: 'true', effect: 'deny', message: 'Never' }] }),
    )
    const denied = planned(strict, request(create('a')))

    expect(denied.decision).toMatchObject({ outcome: 'denied', violations: [{ policy: 'no', rule: 'never', message: 'Never' }] })
    expect(denied.digest).toBe(planned(platform, request(create('a'))).digest)
    expect(denied.files).toHaveLength(1)
  })

  it('that policy denies and that cannot be rendered is still a plan, without files', () => {
    const [manifest] = boxSpec.manifests
    const strict = withDocuments(
      makeDocument('Blueprint', 'named', {
        ...boxSpec,
        manifests: [{ ...manifest, metadata: { name: '${parameters.?note.orValue("x")}', namespace: '${environment.namespace}' } }],
      }),
      makeDocument('Policy', 'no', { rules: [{ name: 'never', when: 'true', effect: 'deny' }] }),
    )

    expect(planned(strict, request(create('a', { blueprint: 'named', parameters: { units: 1, note: 'No Name' } })))).toMatchObject({
      decision: { outcome: 'denied' },
      files: [],
      changes: [{ objects: [] }],
    })
  })

  it('needs one approval for one rule, however many of its changes call for it', () => {
    const rules = [
      { name: 'big', when: 'parameters.units > 2', effect: 'require-approval', approvers: { team: 'blue' } },
      { name: 'noted', when: 'true', effect: 'warn', message: 'Noted' },
    ]
    const plan = planned(withDocuments(makeDocument('Policy', 'p', { rules })), request(create('a'), create('b'), create('c')))

    expect(plan.decision.approvals).toHaveLength(1)
    expect(plan.decision.warnings).toHaveLength(1)
  })

  it('that would write more than a mebibyte is refused', () => {
    const [manifest] = boxSpec.manifests
    const data = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${i}`, '${parameters.?note.orValue("")}']))
    const large = withDocuments(makeDocument('Blueprint', 'large', { ...boxSpec, manifests: [{ ...manifest, data }] }))
    const changes = Array.from({ length: 40 }, (_, i) =>
      create(`r${i}`, { blueprint: 'large', parameters: { units: 1, note: 'é'.repeat(200) } }),
    )

    expect(refusal(large, request(...changes)).code).toBe('too-large')
    expect(planned(large, request(...changes.slice(0, 5))).files).toHaveLength(5)
  })
})
