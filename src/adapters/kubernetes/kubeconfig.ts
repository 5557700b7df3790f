import { open } from 'node:fs/promises'
import type { OutgoingHttpHeaders } from 'node:http'
import type { RequestOptions } from 'node:https'
import { dirname, isAbsolute } from 'node:path'
import { isObject } from '../../core/json.ts'
import type { Secret } from '../../core/secret.ts'
import { parseYamlDocuments } from '../../core/yaml.ts'
import type { ClusterSource } from '../../operations/ports.ts'

/** Where an API server is, and what is shown there. */
export type Access = { readonly server: URL; readonly options: RequestOptions; readonly headers: OutgoingHttpHeaders }

/** Why a kubeconfig is not taken: a clause without anything of what is in it. */
export class Unusable extends Error {}

const MAX_BYTES = 1_048_576

/**
 * The access that a kubeconfig's current context gives, read anew each time so that it can be changed. What would run a
 * program is refused: whoever may write an environment's document may name a file, and does not get to run one.
 */
export async function readAccess({ kubeconfig }: ClusterSource, secrets: Readonly<Record<string, Secret>>): Promise<Access> {
  const text = 'file' in kubeconfig ? await readBounded(kubeconfig.file) : secrets[kubeconfig.env]?.reveal()
  if (text === undefined) throw new Unusable(`there is no variable ${'env' in kubeconfig ? kubeconfig.env : ''}, which spec.cluster names`)
  const { user, server } = currentOf(text)
  // Half a second and 42 MB: only where there is a cluster.
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  // Said, so that no variable of the process can take it back.
  const given: RequestOptions = { rejectUnauthorized: true }
  try {
    config.loadFromString(text)
    if ('file' in kubeconfig) config.makePathsAbsolute(dirname(kubeconfig.file))
    await config.applyToHTTPSOptions(given)
  } catch (cause) {
    throw new Unusable('its kubeconfig cannot be used: a file that it names cannot be read, or it is none', { cause })
  }
  const { headers: said, ...options } = given
  const headers: OutgoingHttpHeaders = said === undefined || Array.isArray(said) ? {} : { ...(said as OutgoingHttpHeaders) } // No list then.
  const tokenFile = user['tokenFile']
  if (typeof tokenFile === 'string') {
    const at = isAbsolute(tokenFile) || !('file' in kubeconfig) ? tokenFile : `${dirname(kubeconfig.file)}/${tokenFile}`
    headers['Authorization'] = `Bearer ${(await readBounded(at)).trim()}`
  }
  return { server, options, headers }
}

type Members = Readonly<Record<string, unknown>>

/** The user and the cluster of the current context, as they are written, before anything makes something of them. */
function currentOf(text: string): { readonly user: Members; readonly server: URL } {
  const parsed = parseYamlDocuments(text)
  const [document] = parsed.ok ? parsed.value : []
  if (!isObject(document)) throw new Unusable('what spec.cluster names is no kubeconfig')
  const named = (list: string, name: unknown, member: string): Members => {
    const entries: readonly unknown[] = Array.isArray(document[list]) ? document[list] : []
    const entry = entries.find((each) => isObject(each) && each['name'] === name)
    const value = isObject(entry) ? entry[member] : undefined
    if (!isObject(value)) throw new Unusable(`its kubeconfig has no ${member} for its current context`)
    return value
  }
  const context = named('contexts', document['current-context'], 'context')
  const user = named('users', context['user'], 'user')
  const cluster = named('clusters', context['cluster'], 'cluster')
  if (user['exec'] !== undefined || user['auth-provider'] !== undefined)
    throw new Unusable(
      'its kubeconfig has a program run for credentials (exec or auth-provider), which is not done; give it a token or a certificate',
    )
  if (cluster['insecure-skip-tls-verify'] === true)
    throw new Unusable(
      'its kubeconfig has insecure-skip-tls-verify: credentials would go to whoever answers; give it certificate-authority',
    )
  return { user, server: serverOf(cluster['server']) }
}

function serverOf(server: unknown): URL {
  const url = typeof server === 'string' && URL.canParse(server) ? new URL(server) : null
  if (url?.protocol === 'https:') return url
  throw new Unusable('its kubeconfig names a server that is not https')
}

async function readBounded(file: string): Promise<string> {
  try {
    const handle = await open(file)
    try {
      const buffer = Buffer.alloc(MAX_BYTES + 1)
      const { bytesRead } = await handle.read(buffer, 0, buffer.length)
      if (bytesRead <= MAX_BYTES) return buffer.toString('utf8', 0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw new Unusable('a file that spec.cluster or its kubeconfig names cannot be read', { cause })
  }
  throw new Unusable('a file that spec.cluster or its kubeconfig names is larger than 1 MiB')
}
