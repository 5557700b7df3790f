import { request } from 'node:https'
import { isObject, type JsonObject } from '../../core/json.ts'
import type { Secret } from '../../core/secret.ts'
import type { ClusterAnswer, Clusters, DefinitionKind } from '../../operations/ports.ts'
import { readAccess, Unusable, type Access } from './kubeconfig.ts'

export type ClusterOptions = {
  readonly secrets: Readonly<Record<string, Secret>>
  readonly timeoutMs?: number
  /** Definitions on one page. */
  readonly pageSize?: number
}

const TIMEOUT_MS = 30_000
const PAGE = 20
/** The largest published definition has 1 MB of JSON. */
const MAX_PAGE_BYTES = 64 * 1024 * 1024
/** A cluster with all providers of a cloud has a thousand. */
const MAX_DEFINITIONS = 5_000

/** The versions of the API in which definitions are read; the first that is served. v1 of Crossplane's has all that v2 has, and claims. */
const places: { readonly [K in DefinitionKind]: readonly string[] } = {
  CustomResourceDefinition: ['apis/apiextensions.k8s.io/v1/customresourcedefinitions'],
  CompositeResourceDefinition: [
    'apis/apiextensions.crossplane.io/v1/compositeresourcedefinitions',
    'apis/apiextensions.crossplane.io/v2/compositeresourcedefinitions',
  ],
}

/** Reads clusters that environments name, and writes nothing. Each call is within bounds, and within a time. */
export function createClusters({ secrets, timeoutMs = TIMEOUT_MS, pageSize = PAGE }: ClusterOptions): Clusters {
  return {
    async listDefinitions(cluster, kind) {
      const signal = AbortSignal.timeout(timeoutMs)
      try {
        const access = await readAccess(cluster, secrets)
        for (const place of places[kind]) {
          const listed = await list(access, place, kind, pageSize, signal)
          if (listed !== null) return listed
        }
        return { kind: 'refused', why: `it serves no ${resourceOf(kind)}` }
      } catch (error) {
        if (error instanceof Unusable) return { kind: 'refused', why: error.message }
        return classify(error, signal.aborted ? `it did not answer within ${timeoutMs / 1_000} s` : null)
      }
    },
  }
}

/** Page after page; null: it does not serve this. */
async function list(
  access: Access,
  place: string,
  kind: DefinitionKind,
  pageSize: number,
  signal: AbortSignal,
): Promise<ClusterAnswer | null> {
  const definitions: JsonObject[] = []
  let next = ''
  do {
    const { status, text } = await get(
      access,
      `${place}?limit=${pageSize}${next === '' ? '' : `&continue=${encodeURIComponent(next)}`}`,
      signal,
    )
    if (status === 404) return null
    if (status !== 200) return refusalOf(status, kind)
    const page: unknown = JSON.parse(text)
    if (!isObject(page) || !Array.isArray(page['items'])) return { kind: 'refused', why: 'what answers there is no API server' }
    definitions.push(...page['items'].map((item: unknown) => asDefinition(item, place, kind)))
    if (definitions.length > MAX_DEFINITIONS) return { kind: 'refused', why: `it has more than ${MAX_DEFINITIONS} ${resourceOf(kind)}` }
    const more = isObject(page['metadata']) ? page['metadata']['continue'] : undefined
    next = typeof more === 'string' ? more : ''
  } while (next !== '')
  return { kind: 'listed', definitions }
}

/** Without what the API server says of it; in lists items do not say what they are. */
function asDefinition(item: unknown, place: string, kind: DefinitionKind): JsonObject {
  const object = isObject(item) ? (item as JsonObject) : {} // It came as JSON.
  const metadata = isObject(object['metadata']) ? (object['metadata'] as JsonObject) : {}
  return {
    apiVersion: place.split('/').slice(1, 3).join('/'),
    kind,
    metadata: { name: metadata['name'] ?? '' },
    spec: object['spec'] ?? {},
  }
}

function refusalOf(status: number, kind: DefinitionKind): ClusterAnswer {
  if (status === 401) return { kind: 'refused', why: 'it does not take the credentials of its kubeconfig (401)' }
  if (status === 403)
    return {
      kind: 'refused',
      why: `the account of its kubeconfig may not list ${resourceOf(kind)} (403); deploy/cluster-reader has the role that it needs`,
    }
  // 410: the list changed while it was read, page by page.
  const isPassing = status === 410 || status === 429 || status >= 500
  return { kind: isPassing ? 'unreachable' : 'refused', why: `it answered ${status}` }
}

function resourceOf(kind: DefinitionKind): string {
  return `${kind.toLowerCase()}s`
}

/** What TLS finds wrong stays wrong until somebody changes something. */
function classify(error: unknown, late: string | null): ClusterAnswer {
  if (late !== null) return { kind: 'unreachable', why: late }
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (error instanceof SyntaxError) return { kind: 'refused', why: 'what answers there is no API server' }
  if (/^(ERR_TLS|ERR_OSSL|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_)/.test(code))
    return { kind: 'refused', why: `it cannot prove who it is to the certificate-authority of its kubeconfig (${code})` }
  return { kind: 'unreachable', why: code === '' ? 'the connection broke off' : code }
}

function get(
  { server, options, headers }: Access,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  const base = server.pathname.endsWith('/') ? server.pathname : `${server.pathname}/`
  const url = new URL(`${server.origin}${base}${path}`)
  return new Promise((resolve, reject) => {
    request(url, { ...options, signal, headers: { ...headers, accept: 'application/json', 'user-agent': 'purser' } }, (answer) => {
      const chunks: Buffer[] = []
      let bytes = 0
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > MAX_PAGE_BYTES) answer.destroy(new Unusable('a page of its answer is larger than 64 MiB'))
        else chunks.push(chunk)
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }))
      answer.on('error', reject)
    })
      .on('error', reject)
      .end()
  })
}
