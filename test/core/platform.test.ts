import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withDefaults } from '../../src/core/blueprint.ts'
import { forTeam, overlap, type Place } from '../../src/core/place.ts'
import { policiesFor, resolveBlueprint, teamsOf, type Platform } from '../../src/core/platform.ts'
import { documentsUsing } from '../../src/core/references.ts'
import { roleAtLeast, rolesIn } from '../../src/core/roles.ts'
import { base, boxSpec, makeDocument, makePlatform, withDocuments } from './platforms.ts'

function roles(platform: Platform, team: string, email: string | null, groups: readonly string[] = []) {
  const found = platform.teams.get(team)
  return found === undefined ? null : rolesIn(found, { email, groups })
}

describe('roles', () => {
  const platform = withDocuments()

  it('are the highest that a person has, and those that it includes', () => {
    expect(roles(platform, 'red', 'ove@example.com')).toEqual(['owner', 'approver', 'developer', 'viewer'])
    expect(roles(platform, 'red', 'ann@example.com')).toEqual(['developer', 'viewer'])
  })

  it('are found whatever the case of the e-mail', () => {
    expect(roles(platform, 'red', 'OVE@example.COM')).toContain('owner')
  })

  it('come from groups too, and the higher one counts', () => {
    expect(roles(platform, 'red', 'zed@example.com', ['reds'])).toEqual(['viewer'])
    expect(roles(platform, 'red', 'ann@example.com', ['reds'])).toEqual(['developer', 'viewer'])
    expect(roles(platform, 'red', null, ['REDS'])).toEqual([])
  })

  it('are none for a stranger, and a group of that name is no person', () => {
    expect(roles(platform, 'red', 'bob@example.com')).toEqual([])
    expect(roles(platform, 'red', 'reds')).toEqual([])
  })

  it('name the teams of a person', () => {
    expect(teamsOf(platform, { email: 'bob@example.com', groups: ['reds'] })).toEqual([
      { name: 'blue', roles: ['approver', 'developer', 'viewer'] },
      { name: 'red', roles: ['viewer'] },
    ])
  })

  it('are in order', () => {
    const order = ['viewer', 'developer', 'approver', 'owner'] as const
    for (const [i, have] of order.entries()) for (const [j, need] of order.entries()) expect(roleAtLeast(have, need)).toBe(i >= j)
  })
})

describe('a blueprint', () => {
  const version = (v: string, change: object = {}) => makeDocument('Blueprint', 'box', { ...boxSpec, version: v, ...change })
  const platform = makePlatform([
    ...base,
    version('1.10.0'),
    version('1.9.0'),
    version('2.0.0', { lifecycle: 'deprecated' }),
    version('1.11.0-rc.1', { lifecycle: 'experimental' }),
  ])

  it('by its name alone is the highest version that is not deprecated', () => {
    expect(resolveBlueprint(platform, 'box')?.version).toBe('1.11.0-rc.1')
  })

  it('by name and version is exactly that, deprecated or not', () => {
    expect(resolveBlueprint(platform, 'box@1.9.0')?.version).toBe('1.9.0')
    expect(resolveBlueprint(platform, 'box@2.0.0')?.version).toBe('2.0.0')
  })

  it.each(['bx', 'box@', 'box@1.9', 'box@1.9.0@1', 'Box', '__proto__', 'box@ 1.9.0'])('is not %s', (reference) => {
    expect(resolveBlueprint(platform, reference)).toBeNull()
  })

  it('is none when all of its versions are deprecated', () => {
    expect(resolveBlueprint(makePlatform([version('1.0.0', { lifecycle: 'deprecated' })]), 'box')).toBeNull()
  })

  it("fills in the environment's defaults before the schema's, never over what the caller gave", () => {
    const box = resolveBlueprint(withDocuments(), 'box')
    if (box === null) throw new Error('no box')

    expect(withDefaults(box, 'dev', { units: 1 })).toEqual({ units: 1, region: 'eu', backup: { days: 7 } })
    expect(withDefaults(box, 'prod', { units: 1 })).toEqual({ units: 1, region: 'eu', backup: { days: 30 } })
    expect(withDefaults(box, 'prod', { units: 1, backup: { window: 'night' } })).toEqual({
      units: 1,
      region: 'eu',
      backup: { days: 30, window: 'night' },
    })
    expect(withDefaults(box, 'prod', { units: 1, backup: { days: 1 } })).toEqual({ units: 1, region: 'eu', backup: { days: 1 } })
    expect(withDefaults(box, 'prod', { units: 1, backup: null })).toEqual({ units: 1, region: 'eu', backup: null })
  })
})

describe('a rebuild', () => {
  const rule = { name: 'a', when: 'parameters.units > 1', effect: 'warn' }
  const documents = [...base, makeDocument('Policy', 'p', { rules: [rule] })]
  const copies = () => structuredClone(documents)

  it('takes over what was made of a document that stayed as it was', () => {
    const before = makePlatform(documents)
    const after = makePlatform(copies(), before)

    expect(after.blueprints.get('box')?.[0]).toBe(before.blueprints.get('box')?.[0])
    expect(after.policies[0]).toBe(before.policies[0])
    expect(after.teams.get('red')).toBe(before.teams.get('red'))
  })

  it('makes anew what has another revision, or another content under the same one', () => {
    const before = makePlatform(documents)
    const changed = makeDocument('Policy', 'p', { rules: [{ ...rule, effect: 'deny' }] })

    expect(makePlatform(documents, before, 2).policies[0]).not.toBe(before.policies[0])
    expect(makePlatform([...base, changed], before).policies[0]?.document).toBe(changed)
  })

  it('forgets what is not there any more', () => {
    const after = makePlatform(base, makePlatform(documents))

    expect(after.policies).toEqual([])
    expect(policiesFor(after, { team: 'red', environment: 'dev', blueprint: 'box', action: 'create' })).toEqual([])
  })
})

describe('places', () => {
  const environment = withDocuments().environments.get('prod')

  it('are one folder and one namespace a team', () => {
    expect(environment?.pathFor('red')).toBe('tenants/red/prod')
    expect(environment?.namespaceFor('red')).toBe('red-prod')
    expect(environment?.place).toMatchObject({ repository: 'embedded', branch: 'live' })
  })

  const segment = fc.constantFrom('${team.name}', 'a', 'b', 'x.y', 'A')
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))

  it('that do not overlap have no folder in common, whatever the teams are called', () => {
    fc.assert(
      fc.property(path, path, fc.constantFrom('a', 'b', 'z'), fc.constantFrom('a', 'b', 'z'), (left, right, teamA, teamB) => {
        const place = (p: string): Place => ({ repository: 'embedded', branch: 'main', path: p, namespace: '' })
        const [a, b] = [`${forTeam(left, teamA)}/`, `${forTeam(right, teamB)}/`]

        if (a.startsWith(b) || b.startsWith(a)) expect(overlap(place(left), place(right))).toBe(true)
        expect(overlap(place(left), place(right))).toBe(overlap(place(right), place(left)))
      }),
    )
  })
})

describe('documents that use another', () => {
  const platform = withDocuments(
    makeDocument('Blueprint', 'owned', { ...boxSpec, owner: 'red' }),
    makeDocument('Blueprint', 'owned', { ...boxSpec, version: '1.1.0', owner: 'blue' }),
    makeDocument('Budget', 'b', { limit: '1', scope: { team: 'blue', environment: 'dev' } }),
    makeDocument('Policy', 'p', {
      rules: [{ name: 'a', when: 'true', effect: 'require-approval', approvers: { team: 'blue' } }],
      tests: [{ name: 't', given: { blueprint: 'box@1.0.0', environment: 'dev', team: 'red' }, expect: 'allowed' }],
    }),
  )

  it('are named', () => {
    expect(documentsUsing(platform, 'Team', 'blue')).toEqual(['Blueprint owned', 'Policy p', 'Budget b'])
    expect(documentsUsing(platform, 'Environment', 'dev')).toEqual(['Policy p', 'Budget b'])
    expect(documentsUsing(platform, 'Blueprint', 'box')).toEqual(['Policy p'])
    expect(documentsUsing(platform, 'Policy', 'p')).toEqual([])
  })

  it('are not those that only an old version of a blueprint was', () => {
    expect(documentsUsing(platform, 'Team', 'red')).toEqual(['Policy p'])
  })
})
