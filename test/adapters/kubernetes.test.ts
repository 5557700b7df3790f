import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { createClusters } from '../../src/adapters/kubernetes/clusters.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { Secret } from '../../src/core/secret.ts'
import { definition } from '../support/definition.ts'
import { resourceDefinition } from '../support/resource-definition.ts'

const folder = mkdtempSync(join(tmpdir(), 'purser-kubernetes-'))
afterAll(() => rmSync(folder, { recursive: true }))
execFileSync(
  'openssl',
  `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=cluster -addext subjectAltName=IP:127.0.0.1 -keyout ${folder}/key -out ${folder}/cert`.split(
    ' ',
  ),
  { stdio: 'ignore' },
)
const tls = { key: readFileSync(join(folder, 'key'), 'utf8'), cert: readFileSync(join(folder, 'cert'), 'utf8') }
const authority = { 'certificate-authority-data': Buffer.from(tls.cert).toString('base64') }

type Answered = { readonly status?: number; readonly body?: unknown }

/** An API server as far as lists go. */
async function startStub(answer: (path: string, request: IncomingMessage) => Answered): Promise<string> {
  const server = createServer(tls, (request, response) => {
    const { status = 200, body = {} } = answer(request.url ?? '', request)
    response.writeHead(status, { 'content-type': 'application/json' }).end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())))
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function kubeconfig(server: string, user: JsonObject = { token: 'abc' }, cluster: JsonObject = authority): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
    clusters: [{ name: 'k', cluster: { server, ...cluster } }],
    users: [{ name: 'u', user }],
  })
}

const source = { kubeconfig: { env: 'PURSER_SECRET_CLUSTER' } }

function clustersOf(text: string, more: { readonly pageSize?: number; readonly timeoutMs?: number } = {}) {
  return createClusters({ secrets: { PURSER_SECRET_CLUSTER: new Secret(text) }, ...more })
}

test('definitions are read page by page, with the credentials of the kubeconfig', async () => {
  const seen: (readonly [string, string | undefined])[] = []
  const [pots, pans] = [resourceDefinition('pots'), resourceDefinition('pans')]
  const server = await startStub((path, request) => {
    seen.push([path, request.headers.authorization])
    const isSecond = path.includes('continue=n%2F1')
    return { body: { metadata: isSecond ? {} : { continue: 'n/1' }, items: [{ ...(isSecond ? pans : pots), status: { conditions: [] } }] } }
  })

  const answer = await clustersOf(kubeconfig(server), { pageSize: 1 }).listDefinitions(source, 'CustomResourceDefinition')

  expect(answer).toEqual({ kind: 'listed', definitions: [pots, pans] })
  const at = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions?limit=1'
  expect(seen).toEqual([
    [at, 'Bearer abc'],
    [`${at}&continue=n%2F1`, 'Bearer abc'],
  ])
})

test('definitions of Crossplane are read in the first version that is served', async () => {
  const thing = definition('things')
  const server = await startStub((path) => (path.includes('/v1/') ? { status: 404 } : { body: { metadata: {}, items: [thing] } }))

  expect(await clustersOf(kubeconfig(server)).listDefinitions(source, 'CompositeResourceDefinition')).toEqual({
    kind: 'listed',
    definitions: [thing],
  })
})

test.each([
  [401, 'refused', 'does not take the credentials'],
  [403, 'refused', 'may not list customresourcedefinitions'],
  [404, 'refused', 'serves no customresourcedefinitions'],
  [418, 'refused', 'answered 418'],
  [410, 'unreachable', 'answered 410'],
  [429, 'unreachable', 'answered 429'],
  [503, 'unreachable', 'answered 503'],
])('an answer of %i is %s', async (status, kind, why) => {
  const server = await startStub(() => ({ status }))

  expect(await clustersOf(kubeconfig(server)).listDefinitions(source, 'CustomResourceDefinition')).toEqual({
    kind,
    why: expect.stringContaining(why),
  })
})

test('what is no API server is refused, and one that is away or hangs is unreachable', async () => {
  const chatty = await startStub(() => ({ body: '<html>' }))
  const away = await startStub(() => ({}))
  const hanging = createServer(tls, () => undefined)
  await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => hanging.closeAllConnections())
  onTestFinished(() => void hanging.close())
  const list = (server: string, timeoutMs = 5_000) =>
    clustersOf(kubeconfig(server), { timeoutMs }).listDefinitions(source, 'CustomResourceDefinition')

  expect(await list(chatty)).toMatchObject({ kind: 'refused' })
  expect(await list(away.replace(/\d+$/, '1'))).toMatchObject({ kind: 'unreachable', why: 'ECONNREFUSED' })
  expect(await list(`https://127.0.0.1:${(hanging.address() as AddressInfo).port}`, 200)).toMatchObject({ kind: 'unreachable' })
})

test('a server that the certificate authority did not sign for is refused before anything is said to it', async () => {
  const asked: string[] = []
  const server = await startStub((path) => {
    asked.push(path)
    return {}
  })

  const answer = await clustersOf(kubeconfig(server, { token: 'abc' }, {})).listDefinitions(source, 'CustomResourceDefinition')

  expect(answer).toEqual({ kind: 'refused', why: expect.stringContaining('cannot prove who it is') })
  expect(asked).toEqual([])
})

const https = 'https://127.0.0.1:1'

test.each<[string, string, string]>([
  ['that runs a program', kubeconfig(https, { exec: { command: 'touch', args: ['/tmp/x'] } }), 'exec or auth-provider'],
  [
    'that has a provider run one',
    kubeconfig(https, { 'auth-provider': { name: 'gcp', config: { 'cmd-path': 'touch' } } }),
    'exec or auth-provider',
  ],
  ['that trusts whoever answers', kubeconfig(https, { token: 'abc' }, { 'insecure-skip-tls-verify': true }), 'insecure-skip-tls-verify'],
  ['of a server in plain text', kubeconfig('http://cluster.example.com', { token: 'abc' }), 'not https'],
  ['without its user', kubeconfig(https).replace('"user":"u"', '"user":"v"'), 'no user'],
  ['that is none', 'root:x:0:0', 'no kubeconfig'],
])('a kubeconfig %s is refused, without a word of what is in it', async (_, text, why) => {
  const answer = await clustersOf(text).listDefinitions(source, 'CustomResourceDefinition')

  expect(answer).toEqual({ kind: 'refused', why: expect.stringContaining(why) })
  expect(JSON.stringify(answer)).not.toMatch(/abc|touch|root/)
})

test('a token in a file of its own is read beside the kubeconfig, anew each time', async () => {
  const tokens: (string | undefined)[] = []
  const server = await startStub((_, request) => {
    tokens.push(request.headers.authorization)
    return { body: { metadata: {}, items: [] } }
  })
  await writeFile(join(folder, 'config'), kubeconfig(server, { tokenFile: 'token' }))
  const clusters = createClusters({ secrets: {} })

  for (const token of ['one', 'two']) {
    await writeFile(join(folder, 'token'), `${token}\n`)
    await clusters.listDefinitions({ kubeconfig: { file: join(folder, 'config') } }, 'CustomResourceDefinition')
  }

  expect(tokens).toEqual(['Bearer one', 'Bearer two'])
})

// Not KUBECONFIG: whoever has that set may not want a kind made there.
const real = process.env['TEST_KUBECONFIG'] ?? ''
if (real === '') process.stderr.write('test/adapters/kubernetes: no TEST_KUBECONFIG; no kube-apiserver is read\n')

test.skipIf(real === '')('a real API server is read', async () => {
  const env = { ...process.env, KUBECONFIG: real }
  const input = JSON.stringify(resourceDefinition('realpots'))
  execFileSync('kubectl', ['apply', '--server-side', '-f', '-'], { env, input })
  onTestFinished(() => void execFileSync('kubectl', ['delete', 'crd', 'realpots.things.example.com', '--wait=false'], { env }))

  const clusters = createClusters({ secrets: {}, pageSize: 1 })
  const kinds = await clusters.listDefinitions({ kubeconfig: { file: real } }, 'CustomResourceDefinition')
  const composites = await clusters.listDefinitions({ kubeconfig: { file: real } }, 'CompositeResourceDefinition')

  expect(kinds.kind === 'listed' && kinds.definitions.map(({ metadata }) => metadata)).toContainEqual({
    name: 'realpots.things.example.com',
  })
  expect(composites.kind).toBe('refused')
})

test('the client is loaded where a cluster is read, and nowhere else', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const lines = files.flatMap((file) =>
    readFileSync(join('src', file), 'utf8')
      .split('\n')
      .filter((line) => line.includes("'@kubernetes/client-node'")),
  )

  expect(lines.map((line) => line.trim())).toEqual(["const { KubeConfig } = await import('@kubernetes/client-node')"])
})
