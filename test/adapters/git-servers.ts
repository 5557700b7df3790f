import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Real servers of repositories on loopback: git's own http-backend behind a token, and OpenSSH. */

export type HttpServer = {
  readonly url: string
  /** Of every request: method and path, and the credentials that came with it. */
  readonly asked: readonly { readonly line: string; readonly credentials: string | null }[]
  /** From now on only `user:token` is let in. */
  demand(credentials: string): void
  /** From now on everything is sent to another place. */
  redirect(url: string): void
  close(): Promise<void>
}

export async function serveHttp(root: () => string): Promise<HttpServer> {
  const asked: { line: string; credentials: string | null }[] = []
  let demanded = ''
  let elsewhere: string | null = null
  const server = createServer((request, response) => {
    const credentials = readBasic(request.headers.authorization)
    asked.push({ line: `${request.method ?? ''} ${request.url ?? ''}`, credentials })
    if (elsewhere !== null) response.writeHead(302, { location: `${elsewhere}${request.url ?? ''}` }).end()
    else if (credentials !== demanded) response.writeHead(401, { 'www-authenticate': 'Basic realm="gitops"' }).end('no')
    else runBackend(root(), credentials, request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    demand: (credentials) => void (demanded = credentials),
    redirect: (url) => void (elsewhere = url),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function readBasic(header: string | undefined): string | null {
  return header === undefined ? null : Buffer.from(header.replace(/^Basic /, ''), 'base64').toString()
}

/** A CGI program: the request in variables and on stdin, headers and body on stdout. */
function runBackend(root: string, user: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1')
  const header = (name: string) => String(request.headers[name] ?? '')
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      GIT_CONFIG_KEY_1: 'http.receivepack',
      GIT_CONFIG_VALUE_1: 'true',
      REMOTE_USER: user,
      REMOTE_ADDR: '127.0.0.1',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: header('content-type'),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      HTTP_GIT_PROTOCOL: header('git-protocol'),
      ...(request.headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: header('content-length') }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  request.pipe(child.stdin)
  child.stdin.on('error', () => undefined)
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.on('close', () => {
    const output = Buffer.concat(chunks)
    const end = output.indexOf('\r\n\r\n')
    const headers = output.toString('latin1', 0, end).split('\r\n')
    const status = headers.find((line) => line.startsWith('Status: '))
    response.statusCode = status === undefined ? 200 : Number(status.slice(8, 11))
    for (const line of headers) {
      const [name = '', value = ''] = line.split(/: (.*)/)
      if (name !== 'Status' && name !== '') response.setHeader(name, value)
    }
    response.end(output.subarray(end + 4))
  })
}

export const sshdProgram = '/usr/sbin/sshd'
export const sshdInstalled = existsSync(sshdProgram)

export type SshServer = {
  readonly port: number
  /** The line for a list of known hosts. */
  readonly knownHost: string
  close(): Promise<void>
}

/** sshd as whoever runs the test, who alone may log in, with the keys in `authorized`. */
export async function serveSsh(directory: string, authorized: string): Promise<SshServer> {
  const hostKey = makeKey(join(directory, 'host-key'))
  const port = await freePort()
  const config = join(directory, 'sshd_config')
  writeFileSync(
    config,
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${hostKey.file}`,
      `AuthorizedKeysFile ${authorized}`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      'LogLevel VERBOSE',
      '',
    ].join('\n'),
  )
  const child = spawn(sshdProgram, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
  const ended = once(child, 'exit')
  for (let tries = 0; !log.includes('Server listening'); tries++) {
    if (child.exitCode !== null || tries > 1_000) throw new Error(`sshd does not come up: ${log}`)
    await sleep(10)
  }
  return {
    port,
    knownHost: `[127.0.0.1]:${port} ${hostKey.public}\n`,
    close: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

export type Key = { readonly file: string; readonly public: string }

export function makeKey(file: string): Key {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', file])
  return { file, public: readFileSync(`${file}.pub`, 'utf8').trim() }
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
