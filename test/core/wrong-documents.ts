import type { FieldError } from '../../src/core/problem.ts'
import { boxSpec } from './platforms.ts'

export function doc(kind: string, spec: unknown, name = 'x'): object {
  return { apiVersion: 'purser.dev/v1', kind, metadata: { name }, spec }
}

function policy(...rules: readonly object[]): object {
  return doc('Policy', {
    match: { blueprints: ['box'] },
    rules: rules.map((rule, i) => ({ name: `r${i}`, when: 'true', effect: 'deny', ...rule })),
  })
}

function tested(test: object, rule: object = {}): object {
  return doc('Policy', {
    rules: [{ name: 'big', when: 'parameters.units > 500', effect: 'deny', message: 'Too big', ...rule }],
    tests: [
      { name: 't', given: { blueprint: 'box', environment: 'dev', team: 'red', parameters: { units: 600 } }, expect: 'denied', ...test },
    ],
  })
}

export const box = (change: object) => doc('Blueprint', { ...boxSpec, ...change }, 'other')
export const [configMap] = boxSpec.manifests
const at = (rest: string) => `/documents/0${rest}`
export const place = (change: object) =>
  doc('Environment', { gitops: { path: 'new/${team.name}' }, namespace: '${team.name}-new', ...change })

/** What is wrong, the document, and the exact errors that it gets. */
export const wrongDocuments: readonly {
  readonly what: string
  readonly documents: readonly unknown[]
  readonly errors: readonly FieldError[]
}[] = [
  {
    what: 'no document',
    documents: ['hello'],
    errors: [{ pointer: '/documents/0', detail: 'must be a document: an object with apiVersion, kind, metadata and spec' }],
  },
  {
    what: 'an unknown kind',
    documents: [doc('Thing', {})],
    errors: [
      { pointer: at('/kind'), detail: 'is not a kind of document; there are Team, Environment, Blueprint, Policy, Budget, Service, Trust' },
    ],
  },
  {
    what: 'unknown fields and a bad name, all at once',
    documents: [{ ...doc('Team', { member: [] }), metadata: { name: 'Red_Team' } }],
    errors: [
      { pointer: at('/metadata/name'), detail: 'must match ^[a-z0-9]([a-z0-9-]*[a-z0-9])?$' },
      { pointer: at('/spec/member'), detail: 'is not a known field; did you mean members?' },
    ],
  },
  {
    what: 'half a surrogate pair',
    documents: [doc('Team', { costCenter: '\ud800' })],
    errors: [{ pointer: at('/spec/costCenter'), detail: 'has a character that is no text (U+0000, or half of a surrogate pair)' }],
  },
  {
    what: 'a rule with the fields of another effect',
    documents: [policy({ effect: 'deny', set: { 'parameters.units': 1 } }, { effect: 'allow' })],
    errors: [
      { pointer: at('/spec/rules/1/effect'), detail: 'must be one of deny, require-approval, warn, set' },
      { pointer: at('/spec/rules/0/set'), detail: 'is not a known field' },
    ],
  },
  {
    what: 'two rules of one name, and a set of what is no parameter',
    documents: [policy({ name: 'a' }, { name: 'a', effect: 'set', set: { size: 'l' } })],
    errors: [
      { pointer: at('/spec/rules/1/name'), detail: 'is the name of rule 0 already' },
      { pointer: at('/spec/rules/1/set/size'), detail: 'must name a parameter, such as parameters.size' },
    ],
  },
  {
    what: 'CEL that does not parse',
    documents: [policy({ when: 'parameters.units >' })],
    errors: [{ pointer: at('/spec/rules/0/when'), detail: 'unexpected token: EOF', frame: 'parameters.units >\n                  ^' }],
  },
  {
    what: 'CEL that does not type-check against a blueprint',
    documents: [policy({ when: 'parameters.size == 3' })],
    errors: [
      { pointer: at('/spec/rules/0/when'), detail: 'no such key: size (with box 1.0.0)', frame: 'parameters.size == 3\n           ^' },
    ],
  },
  {
    what: 'a condition that is no condition',
    documents: [policy({ when: 'parameters.units' })],
    errors: [
      {
        pointer: at('/spec/rules/0/when'),
        detail: 'yields int, but true or false is needed (with box 1.0.0)',
        frame: 'parameters.units\n^',
      },
    ],
  },
  {
    what: 'a message about an unknown variable',
    documents: [policy({ message: 'Not for ${tem.name}' })],
    errors: [{ pointer: at('/spec/rules/0/message'), detail: 'there is no variable tem here; did you mean team?', frame: 'tem.name\n^' }],
  },
  {
    what: 'a set rule that asks for the cost, which is not known yet',
    documents: [policy({ effect: 'set', when: 'cost.after > 5.0', set: { 'parameters.note': 'x' } })],
    errors: [
      {
        pointer: at('/spec/rules/0/when'),
        frame: 'cost.after > 5.0\n^',
        detail:
          'there is no variable cost here; there are action, blueprint, environment, now, parameters, previous, requester, resource, team',
      },
    ],
  },
  {
    what: 'a set of a parameter that the blueprint has not',
    documents: [policy({ effect: 'set', set: { 'parameters.backup.hours': 3 } })],
    errors: [{ pointer: at('/spec/rules/0/set/parameters.backup.hours'), detail: 'is no parameter here (with box 1.0.0)' }],
  },
  {
    what: 'two rules that always set one parameter',
    documents: [policy({ effect: 'set', set: { 'parameters.units': 1 } }, { effect: 'set', set: { 'parameters.units': 2 } })],
    errors: [{ pointer: at('/spec/rules/1/set/parameters.units'), detail: 'is always set by rule r0 of policy x too' }],
  },
  {
    what: 'approvers of a team that there is not',
    documents: [policy({ effect: 'require-approval', approvers: { team: 'blu' } })],
    errors: [{ pointer: at('/spec/rules/0/approvers/team'), detail: 'names the team blu, which there is not; did you mean blue?' }],
  },
  {
    what: 'a policy test that fails',
    documents: [tested({ expect: 'requires_approval', rules: ['big'] })],
    errors: [{ pointer: at('/spec/tests/0'), detail: 'test "t" fails: expected requires_approval by big, got denied by big: Too big' }],
  },
  {
    what: 'a policy test whose rule keeps silent',
    documents: [
      tested({ expect: 'allowed', rules: ['big'], given: { blueprint: 'box', environment: 'dev', team: 'red', parameters: { units: 1 } } }),
    ],
    errors: [{ pointer: at('/spec/tests/0'), detail: 'test "t" fails: expected allowed by big, got allowed' }],
  },
  {
    what: 'a policy test with parameters that nobody could ask for',
    documents: [tested({ given: { blueprint: 'box', environment: 'dev', team: 'red', parameters: { units: 5000 } } })],
    errors: [
      {
        pointer: at('/spec/tests/0'),
        detail: 'test "t" fails: expected denied, but the parameters are not valid: units must be at most 1000',
      },
    ],
  },
  {
    what: 'a version that is none',
    documents: [box({ version: '1.2' })],
    errors: [
      {
        pointer: at('/spec/version'),
        detail: 'must be a semantic version such as 1.2.0 (a pre-release such as 1.2.0-rc.1 may be; build metadata may not)',
      },
    ],
  },
  { what: 'no price', documents: [box({ price: undefined })], errors: [{ pointer: at('/spec/price'), detail: 'is required' }] },
  {
    what: 'a price below nothing',
    documents: [box({ price: { monthly: '-1.0' } })],
    errors: [
      {
        pointer: at('/spec/price/monthly'),
        detail: 'the price would be -1, which is no amount of money (tried with {"units":1,"region":"eu","backup":{"days":7}})',
      },
    ],
  },
  {
    what: 'a price that is a text',
    documents: [box({ price: { monthly: 'parameters.region' } })],
    errors: [{ pointer: at('/spec/price/monthly'), detail: 'yields string, but a number is needed', frame: 'parameters.region\n^' }],
  },
  {
    what: 'a parameter schema with a keyword that there is not',
    documents: [box({ parameters: { type: 'object', properties: { units: { type: 'integer', minimun: 1 } } } })],
    errors: [
      { pointer: at('/spec/parameters/properties/units/minimun'), detail: 'is not a keyword for parameters; did you mean minimum?' },
    ],
  },
  {
    what: 'a default of an environment that the schema refuses',
    documents: [box({ environments: { prod: { defaults: { region: 5 } } } })],
    errors: [{ pointer: at('/spec/environments/prod/defaults/region'), detail: 'must be a string' }],
  },
  {
    what: 'a template with an unknown parameter',
    documents: [box({ manifests: [{ ...configMap, data: { a: '${parameters.unit}' } }] })],
    errors: [{ pointer: at('/spec/manifests/0/data/a'), detail: 'no such key: unit', frame: 'parameters.unit\n           ^' }],
  },
  {
    what: 'a manifest without a kind and a name',
    documents: [box({ manifests: [{ apiVersion: 'v1', metadata: { namespace: '${environment.namespace}' } }] })],
    errors: [
      { pointer: at('/spec/manifests/0/kind'), detail: 'is required: text, or an expression that yields text' },
      { pointer: at('/spec/manifests/0/metadata/name'), detail: 'is required: text, or an expression that yields text' },
    ],
  },
  {
    what: 'a manifest in a foreign namespace',
    documents: [box({ manifests: [{ ...configMap, metadata: { name: 'a', namespace: 'kube-system' } }] })],
    errors: [
      {
        pointer: at('/spec/manifests/0/metadata/namespace'),
        detail: 'must be example-dev (environment.namespace), or a namespace that spec.allow.namespaces lists',
      },
    ],
  },
  {
    what: 'one object twice',
    documents: [box({ manifests: [configMap, configMap] })],
    errors: [{ pointer: at('/spec/manifests/1'), detail: 'renders the same object as manifest 0: ConfigMap example' }],
  },
  {
    what: 'a blueprint under which a policy stops type-checking',
    documents: [
      policy({ name: 'big', when: 'parameters.units > 500' }),
      doc(
        'Blueprint',
        {
          ...boxSpec,
          version: '2.0.0',
          parameters: { type: 'object', properties: { size: { type: 'string', default: 's' } } },
          environments: {},
          price: 'free',
          manifests: [{ ...configMap, data: {} }],
        },
        'box',
      ),
    ],
    errors: [
      { pointer: at('/spec/rules/0/when'), detail: 'no such key: units (with box 2.0.0)', frame: 'parameters.units > 500\n           ^' },
    ],
  },
  {
    what: 'a path without the team',
    documents: [place({ gitops: { path: 'new/x-${team.name}' } })],
    errors: [
      {
        pointer: at('/spec/gitops/path'),
        detail: 'has the segment x-${team.name}; a segment is ${team.name}, or letters, digits and . _ - and does not begin with a dot',
      },
    ],
  },
  {
    what: 'a path that climbs',
    documents: [place({ gitops: { path: '../${team.name}' } })],
    errors: [
      {
        pointer: at('/spec/gitops/path'),
        detail: 'has the segment ..; a segment is ${team.name}, or letters, digits and . _ - and does not begin with a dot',
      },
    ],
  },
  {
    what: 'a path into .git',
    documents: [place({ gitops: { path: '.GIT/${team.name}' } })],
    errors: [
      {
        pointer: at('/spec/gitops/path'),
        detail: 'has the segment .GIT; a segment is ${team.name}, or letters, digits and . _ - and does not begin with a dot',
      },
    ],
  },
  {
    what: 'an absolute path',
    documents: [place({ gitops: { path: '/${team.name}' } })],
    errors: [{ pointer: at('/spec/gitops/path'), detail: 'must be relative, without an empty segment' }],
  },
  {
    what: 'a path without any team',
    documents: [place({ gitops: { path: 'new/all' } })],
    errors: [{ pointer: at('/spec/gitops/path'), detail: 'must contain ${team.name} as a whole segment' }],
  },
  {
    what: 'a repository on this machine where none may be named',
    documents: [place({ gitops: { path: 'new/${team.name}', repository: 'file:///srv/x.git' } })],
    errors: [
      {
        pointer: at('/spec/gitops/repository'),
        detail: 'may be file:// only where PURSER_ALLOW_FILE_REPOSITORIES is true',
      },
    ],
  },
  ...[
    'http://git.example.com/x.git',
    'https://bot:password@git.example.com/x.git',
    'https://git.example.com/../x.git',
    'https://-git.example.com/x.git',
    'https://Git.example.com/x.git',
    'https://git.example.com:0/x.git',
    'https://git.example.com',
    'ssh://-oProxyCommand=id/x.git',
    'ssh://-l@git.example.com/x.git',
    'ssh://git@git.example.com/x.git --upload-pack=id',
    'git@git.example.com:x.git',
    'git://git.example.com/x.git',
    'ext::sh -c id',
    '--upload-pack=id',
    'embedded',
  ].map((repository) => ({
    what: `the repository ${repository}`,
    documents: [place({ gitops: { path: 'new/${team.name}', repository } })],
    errors: [
      {
        pointer: at('/spec/gitops/repository'),
        detail:
          'must be ssh://git@host/path, https://host/path, http:// on a loopback address or file:///path: hosts in lower case, paths of letters, digits and . _ ~ + @ -, and no password',
      },
    ],
  })),
  {
    what: 'a repository behind ssh that nobody could reach, or that anybody could stand in for',
    documents: [place({ gitops: { path: 'new/${team.name}', repository: 'ssh://git@git.example.com/x.git', proxy: 'http://proxy:3128' } })],
    errors: [
      { pointer: at('/spec/gitops/auth/sshKey'), detail: 'is required for an ssh:// repository' },
      {
        pointer: at('/spec/gitops/auth/knownHosts'),
        detail: 'is required for an ssh:// repository: a host that nobody vouches for is not spoken to',
      },
      { pointer: at('/spec/gitops/proxy'), detail: 'is for http and https repositories' },
    ],
  },
  {
    what: 'secrets that a repository does not take, and files that could be options',
    documents: [
      place({
        gitops: {
          path: 'new/${team.name}',
          repository: 'https://git.example.com/x.git',
          auth: { sshKey: { file: '/etc/key' }, token: { file: 'token' } },
          proxy: 'https://user:password@proxy.example.com',
        },
      }),
      doc(
        'Environment',
        {
          gitops: {
            path: 'newer/${team.name}',
            repository: 'ssh://git@git.example.com/x.git',
            auth: {
              sshKey: { file: '/etc/key -oProxyCommand=id' },
              knownHosts: { file: '/etc/../hosts' },
              token: { env: 'PURSER_SECRET_X' },
            },
          },
          namespace: '${team.name}-newer',
        },
        'y',
      ),
      doc(
        'Environment',
        { gitops: { branch: 'own', path: 'z/${team.name}', auth: {}, signingKey: { file: 'key' } }, namespace: '${team.name}-z' },
        'z',
      ),
    ],
    errors: [
      { pointer: at('/spec/gitops/auth/sshKey'), detail: 'is for ssh; http and https take a token' },
      { pointer: at('/spec/gitops/auth/token/file'), detail: 'must be an absolute path of letters, digits and . _ + @ -' },
      {
        pointer: at('/spec/gitops/proxy'),
        detail: 'must be http:// or https://, a host and perhaps a port, such as https://proxy.example.com:3128',
      },
      { pointer: '/documents/1/spec/gitops/auth/sshKey/file', detail: 'must be an absolute path of letters, digits and . _ + @ -' },
      { pointer: '/documents/1/spec/gitops/auth/knownHosts/file', detail: 'must be an absolute path of letters, digits and . _ + @ -' },
      { pointer: '/documents/1/spec/gitops/auth/token', detail: 'is for http and https; ssh takes sshKey and knownHosts' },
      {
        pointer: '/documents/2/spec/gitops/auth',
        detail: 'is for ssh, http and https; a repository on this machine takes none',
      },
      { pointer: '/documents/2/spec/gitops/signingKey/file', detail: 'must be an absolute path of letters, digits and . _ + @ -' },
    ],
  },
  {
    what: 'a token in a variable that is none of Purser’s',
    documents: [
      place({
        gitops: { path: 'new/${team.name}', repository: 'https://git.example.com/x.git', auth: { token: { env: 'DATABASE_URL' } } },
      }),
    ],
    errors: [{ pointer: at('/spec/gitops/auth/token/env'), detail: 'must match ^PURSER_SECRET_[A-Z0-9_]+$' }],
  },
  {
    what: 'two ways to one branch',
    documents: ['a', 'b'].map((name) =>
      doc(
        'Environment',
        {
          gitops: {
            path: `${name}/\${team.name}`,
            repository: 'https://git.example.com/x.git',
            auth: { token: { file: `/etc/${name}` } },
          },
          namespace: `\${team.name}-${name}`,
        },
        name,
      ),
    ),
    errors: ['b', 'a'].map((other, i) => ({
      pointer: `/documents/${i}/spec/gitops`,
      detail: `has another auth, proxy or signingKey than environment ${other}, which is on the same repository and branch; change them together`,
    })),
  },
  {
    what: 'a branch with an option in it',
    documents: [place({ gitops: { path: 'new/${team.name}', branch: '--force' } })],
    errors: [
      {
        pointer: at('/spec/gitops/branch'),
        detail: 'must be a branch name of letters, digits and . _ - /, and neither HEAD nor below refs/',
      },
    ],
  },
  {
    what: 'a path inside that of another environment',
    documents: [place({ gitops: { path: 'tenants/${team.name}' } })],
    errors: [
      {
        pointer: at('/spec/gitops/path'),
        detail: 'overlaps with tenants/${team.name}/dev of environment dev on the same repository and branch',
      },
    ],
  },
  {
    what: 'a namespace that another environment has',
    documents: [place({ namespace: '${team.name}-dev' })],
    errors: [{ pointer: at('/spec/namespace'), detail: 'gives team red in x and team red in dev the same namespace, red-dev' }],
  },
  {
    what: 'a namespace for all teams',
    documents: [place({ namespace: 'shared' })],
    errors: [{ pointer: at('/spec/namespace'), detail: 'gives team blue in x and team red in x the same namespace, shared' }],
  },
  {
    what: 'a team whose namespaces are too long',
    documents: [doc('Team', {}, 'r'.repeat(60))],
    errors: [{ pointer: at('/metadata/name'), detail: `makes the namespace ${'r'.repeat(60)}-dev, which is longer than 63 characters` }],
  },
  {
    what: 'deletion by a team that there is not',
    documents: [place({ deletion: { approvers: { team: 'green' } } })],
    errors: [{ pointer: at('/spec/deletion/approvers/team'), detail: 'names the team green, which there is not' }],
  },
  {
    what: 'money as a number',
    documents: [doc('Budget', { limit: 2500 })],
    errors: [{ pointer: at('/spec/limit'), detail: 'must be an amount of money as text with at most two decimals, such as "2500.00"' }],
  },
  {
    what: 'half a resource',
    documents: [doc('Budget', { measure: 'count', limit: 2.5 })],
    errors: [{ pointer: at('/spec/limit'), detail: 'must be a whole number of resources, such as 20, for measure count' }],
  },
  {
    what: 'an overdraft, which there is not',
    documents: [doc('Budget', { limit: '1', onExceed: 'require-approval' })],
    errors: [{ pointer: at('/spec/onExceed'), detail: 'must be deny' }],
  },
  {
    what: 'a scope of a team and an environment that there are not',
    documents: [doc('Budget', { limit: '1', scope: { team: 'rad', environment: 'test' } })],
    errors: [
      { pointer: at('/spec/scope/team'), detail: 'names the team rad, which there is not; did you mean red?' },
      { pointer: at('/spec/scope/environment'), detail: 'names the environment test, which there is not' },
    ],
  },
  {
    what: 'a service of nobody',
    documents: [doc('Service', { owner: 'green' })],
    errors: [{ pointer: at('/spec/owner'), detail: 'names the team green, which there is not' }],
  },
  {
    what: 'a link that runs something',
    documents: [{ ...doc('Service', { owner: 'red' }), metadata: { name: 'x', links: [{ url: 'javascript:alert(1)' }] } }],
    errors: [{ pointer: at('/metadata/links/0/url'), detail: 'must match ^https?://[^\\s<>"]+$' }],
  },
]
