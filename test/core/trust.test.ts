import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDocument } from '../../src/core/document/document.ts'
import type { TrustDocument } from '../../src/core/document/trust.ts'
import { checkTrust, scopesOf, takes } from '../../src/core/trust.ts'
import { gitHubClaims, gitLabClaims } from '../support/job-claims.ts'

const gitHub = 'https://token.actions.githubusercontent.com'
const gitLab = 'https://gitlab.com'
const other = 'https://ci.example.com'

function trust(spec: object): TrustDocument {
  const parsed = parseDocument({
    apiVersion: 'purser.dev/v1',
    kind: 'Trust',
    metadata: { name: 'deploy' },
    spec: { issuer: gitHub, audience: 'purser', when: "claims.repository_id == '74'", serviceAccount: 'orders-ci', ...spec },
  })
  if (!parsed.ok || parsed.value.kind !== 'Trust') throw new Error(JSON.stringify(parsed))
  return parsed.value
}

const wrong = (spec: object) => checkTrust(trust(spec)).map(({ pointer }) => pointer)

describe('an expression says who, for good', () => {
  it.each([
    [gitHub, "claims.repository_id == '74'", 'the number of the repository'],
    [gitHub, "'74' == claims['repository_id']", 'the other way round'],
    [gitHub, "claims.repository_id in ['74', '75'] && claims.ref == 'refs/heads/main'", 'one of a list'],
    [
      gitHub,
      "claims.ref.startsWith('refs/tags/') && (claims.repository_id == '74' || claims.repository_id == '75')",
      'in each alternative',
    ],
    [gitHub, "claims.event_name == 'push' ? claims.repository_id == '74' : claims.repository_id == '75'", 'in both branches'],
    [gitHub, "claims.repository_id == '74' && claims.job_workflow_ref.matches('^acme/.+@refs/heads/main$')", 'a pattern beside it'],
    ['https://git.acme.example/_services/token', "claims.repository_id == '74'", "a GitHub server of one's own"],
    [gitLab, "claims.project_id == '22' && claims.ref_protected == 'true'", 'the number of the project'],
    ['https://git.acme.example', "claims.project_id == '22' && claims.ref == 'main'", "a GitLab of one's own"],
    [other, "claims.sub == 'organization:acme:pipeline:deploy'", 'an issuer that nobody knows'],
    [other, "claims['kubernetes.io'].serviceaccount.uid == 'a1'", 'a claim within a claim'],
  ])('%s: %s (%s)', (issuer, when) => {
    expect(checkTrust(trust({ issuer, when }))).toEqual([])
  })

  it.each([
    [gitHub, 'true', 'everybody'],
    ['https://gitlab.example.com', "claims.environment_protected == 'true'", 'any project may say it'],
    ['https://gitlab.example.com', "claims.deployment_tier == 'production'", 'any project may say it'],
    ['https://github.example.com', "claims.workflow == 'deploy'", 'any repository may have such a workflow'],
    ['https://github.example.com', "claims.actor == 'alice'", 'a name can be registered by others'],
    ['https://app.terraform.io', "claims.terraform_run_phase == 'apply'", 'any workspace has it'],
    [gitHub, "claims.sub == 'repo:acme/orders:ref:refs/heads/main'", 'a name can be registered by others'],
    [gitHub, "claims.repository == 'acme/orders'", 'a name can be registered by others'],
    [gitHub, "claims.repository_owner == 'acme'", 'every repository of the owner'],
    [gitHub, "claims.repository_owner_id == '65'", 'every repository of the owner, also one made tomorrow'],
    [gitHub, "claims.sub.startsWith('repo:acme/')", 'a pattern'],
    [gitHub, "claims.repository.matches('acme/.*')", 'a pattern'],
    [gitHub, "claims.repository_id.startsWith('74')", 'the beginning of a number is the beginning of others'],
    [gitHub, "claims.repository_id == '74' || claims.repository == 'acme/orders'", 'an alternative without it'],
    [gitHub, "claims.repository_id == '74' || claims.ref == 'refs/heads/main' && claims.event_name == 'push'", 'an alternative without it'],
    [gitHub, "claims.event_name == 'push' ? claims.repository_id == '74' : claims.ref == 'refs/heads/main'", 'a branch without it'],
    [gitHub, "claims.ref == 'refs/heads/main' ? true : claims.repository_id == '74'", 'a branch without it'],
    [gitHub, "claims.repository_id != '74'", 'everybody else'],
    [gitHub, "!(claims.repository_id == '74')", 'everybody else'],
    [gitHub, 'claims.repository_id == claims.repository_id', 'a number that is equal to itself'],
    [gitHub, "claims.repository_id == 'acme/orders'", 'a name where the number belongs is never equal'],
    [gitHub, 'claims.repository_id == 74', 'the number is text in the token, and never equal'],
    [gitHub, 'claims.repository_id in []', 'nobody'],
    [gitHub, "claims.repository_id in ['74', claims.repository_id]", 'a list that holds whatever comes'],
    [gitHub, "['74'].exists(claims, claims == '74')", 'another variable of the name'],
    [gitHub, "claims.of.repository_id == '74'", 'another claim of the name'],
    [gitHub, "cel.bind(claims, {'repository_id': '74'}, claims.repository_id == '74')", 'another variable of the name'],
    [`${gitHub}/acme`, "claims.repository == 'acme/orders'", 'the issuer of an enterprise'],
    [gitLab, "claims.project_path == 'acme/orders'", 'a name can be registered by others'],
    [gitLab, "claims.namespace_id == '72'", 'every project of the group, also one made tomorrow'],
    ['https://git.acme.example', "claims.sub == 'project_path:acme/orders:ref_type:branch:ref:main'", 'a GitLab by how its sub begins'],
    ['https://git.acme.example', "claims.namespace_path == 'acme' && claims.ref == 'main'", 'a GitLab by its claims'],
    ['https://git.acme.example/_services/token', "claims.sub == 'deploy'", 'a GitHub by its address'],
    [other, "claims.iss == 'https://ci.example.com'", 'what all its tokens say'],
    [other, "claims.aud == 'purser' && claims.ref == 'refs/heads/main'", 'where, and not who'],
    [other, "claims.sub.startsWith('')", 'a pattern'],
    [other, "claims.sub == ''", 'nothing'],
    [other, "claims.sub == 'x' || true", 'everybody'],
  ])('%s: not %s (%s)', (issuer, when) => {
    expect(wrong({ issuer, when })).toEqual(['/spec/when'])
  })

  it('the refusal says why, and what to write', () => {
    expect(checkTrust(trust({ when: "claims.repository == 'acme/orders'" }))).toEqual([
      {
        pointer: '/spec/when',
        detail:
          'must hold claims.repository_id fast in every alternative, by == or in: names of a repository and of its owner can be given up and registered by others, ' +
          "and a pattern takes in what others create. Write claims.repository_id == '1234' && (…), with the number that GitHub Actions gave the repository, as text",
      },
    ])
  })
})

describe('an issuer is written as tokens name it', () => {
  it.each(['http://127.0.0.1:8080', 'http://localhost:3000/ci', 'http://[::1]:1', 'https://ci.example.com/', 'https://ci.example.com/a/b'])(
    '%s',
    (issuer) => {
      expect(wrong({ issuer, when: "claims.sub == 'a'" })).toEqual([])
    },
  )

  it.each([
    ['http://ci.example.com', 'anybody on the way could be the issuer'],
    ['http://127.0.0.1.example.com', 'no loopback address'],
    ['ftp://ci.example.com', 'no address of the web'],
    ['ci.example.com', 'no address'],
    ['https://ci.example.com?a=b', 'a query'],
    ['https://ci.example.com/#a', 'a fragment'],
    ['https://user:secret@ci.example.com', 'credentials'],
    ['https://CI.example.com', 'another spelling than tokens have'],
    ['https://ci.example.com/a/../b', 'another spelling than tokens have'],
  ])('not %s: %s', (issuer) => {
    expect(wrong({ issuer, when: "claims.sub == 'a'" })).toEqual(['/spec/issuer'])
  })
})

it.each([
  ["claims.repository_id == '74' &&", 'does not parse'],
  ["claim.repository_id == '74'", 'names what there is not'],
  ["claims.repository_id == '74' && team.name == 'red'", 'names what only policies have'],
  ["claims.repository_id == '74' && '('.matches('(')", 'has a pattern that is none'],
  ["'74'", 'yields no truth value'],
])('an expression that cannot be meant is refused with its place: %s %s', (when) => {
  const [error] = checkTrust(trust({ when }))

  expect(error).toMatchObject({ pointer: '/spec/when', frame: expect.stringContaining('^') })
})

it.each([
  [{ minutes: 16 }, '/spec/minutes'],
  [{ minutes: 0 }, '/spec/minutes'],
  [{ scopes: ['platform:write'] }, '/spec/scopes/0'],
  [{ scopes: ['approvals:write'] }, '/spec/scopes/0'],
  [{ scopes: [] }, '/spec/scopes'],
  [{ audience: 'two words' }, '/spec/audience'],
  [{ serviceAccount: 'Orders' }, '/spec/serviceAccount'],
])('%o is no part of a Trust', (spec, pointer) => {
  expect(() => trust(spec)).toThrow(`"pointer":"${pointer}"`)
})

it('whoever may ask may see what became of it', () => {
  expect(scopesOf(trust({}))).toEqual(['read', 'requests:write'])
  expect(scopesOf(trust({ scopes: ['requests:write'] }))).toEqual(['read', 'requests:write'])
  expect(scopesOf(trust({ scopes: ['read'] }))).toEqual(['read'])
})

describe('a Trust takes the job that it means', () => {
  it.each([
    ["claims.repository_id == '74' && claims.ref == 'refs/heads/main' && claims.event_name == 'push'", gitHubClaims(), true],
    ["claims.repository_id == '74' && claims.ref == 'refs/heads/main'", gitHubClaims({ ref: 'refs/heads/other' }), false],
    ["claims.repository_id == '74'", gitHubClaims({ repository_id: '75' }), false],
    ["claims.repository_id == '74' && claims.environment == 'prod'", gitHubClaims(), false],
    ["claims.repository_id == '74' && claims.nothing.of == 'it'", gitHubClaims(), false],
    ["claims.repository_id == '74' && claims.big == 1", { ...gitHubClaims(), big: 2 ** 60 }, false],
    ["claims.project_id == '22' && claims.ref_protected == 'true' && claims.pipeline_source == 'push'", gitLabClaims(), true],
    ["claims.project_id == '22'", gitLabClaims({ project_id: 22 }), false],
  ])('%s', (when, claims, taken) => {
    expect(takes(trust({ when }), claims)).toBe(taken)
  })
})

it('whatever else it says, a Trust that is accepted takes no job of another repository', () => {
  const atom = fc.constantFrom(
    "claims.repository_id == '74'",
    "claims.repository_id in ['74', '75']",
    "claims.repository_id != '74'",
    "claims.ref == 'refs/heads/main'",
    "claims.nothing == 'x'",
    "claims.repository.startsWith('acme/')",
    'has(claims.ref)',
    'true',
    'false',
  )
  const { expression } = fc.letrec<{ expression: string }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 4, depthSize: 'medium' },
      atom,
      fc.tuple(tie('expression'), fc.constantFrom('&&', '||'), tie('expression')).map(([a, op, b]) => `(${a} ${op} ${b})`),
      fc.tuple(tie('expression'), tie('expression'), tie('expression')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
      tie('expression').map((a) => `!(${a})`),
    ),
  }))
  let accepted = 0
  fc.assert(
    fc.property(expression, fc.constantFrom('refs/heads/main', 'refs/heads/x'), fc.constantFrom('1', '740', ''), (when, ref, id) => {
      const document = trust({ when })
      if (checkTrust(document).length > 0) return
      accepted += 1
      expect(takes(document, gitHubClaims({ ref, repository_id: id }))).toBe(false)
    }),
    { numRuns: 500 },
  )
  expect(accepted).toBeGreaterThan(20)
})
