import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { refuse, type Result } from '../core/result.ts'
import type { Failure } from './issuer-client.ts'

export type Visit<T> = {
  /** What nobody else can know, so that no other page can sign somebody in. */
  readonly state: string
  /** Told where the browser is to come back to. */
  readonly begin: (redirectUri: string) => void
  /** What comes of the address with which it did. */
  readonly finish: (address: URL) => Promise<Result<T, Failure>>
  /** Aborted with a `Failure` for its reason. */
  readonly signal: AbortSignal
}

/** Any port of this address is as good as another to an issuer (RFC 8252). */
const HOST = '127.0.0.1'
const PATH = '/callback'

/** Waits on this machine, for nobody but its own browser, until it comes back from the issuer. */
export async function awaitBrowser<T>({ state, begin, finish, signal }: Visit<T>): Promise<Result<T, Failure>> {
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, HOST, resolve))
    const { port } = server.address() as AddressInfo // It listens on TCP.
    const redirectUri = `http://${HOST}:${port}${PATH}`
    return await new Promise<Result<T, Failure>>((resolve, reject) => {
      const giveUp = () => resolve(refuse(signal.reason as Failure)) // By the contract of `signal`.
      if (signal.aborted) return giveUp()
      signal.addEventListener('abort', giveUp, { once: true })
      let taken = false
      server.on('request', (request, response) => {
        const address = addressOf(request, `${HOST}:${port}`)
        if (address === null || address.searchParams.get('state') !== state || taken)
          return answer(response, 404, 'Not here', 'This page belongs to a sign-in that is over, or to none.')
        taken = true
        finish(address).then((result) => {
          if (result.ok) answer(response, 200, 'You are signed in', 'You may close this page, and go back to the terminal.')
          else answer(response, 200, 'You are not signed in', `${result.problem.message} You may close this page.`)
          response.once('close', () => resolve(result))
        }, reject)
      })
      begin(redirectUri)
    })
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

/** Null for what no issuer sends a browser to. The host is compared, so that no name of another page leads here. */
function addressOf(request: IncomingMessage, host: string): URL | null {
  if (request.method !== 'GET' || request.headers.host !== host) return null
  const address = URL.canParse(request.url ?? '', `http://${host}`) ? new URL(request.url ?? '', `http://${host}`) : null
  return address?.host === host && address.pathname === PATH ? address : null
}

function answer(response: ServerResponse, status: number, title: string, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  })
  response.end(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)} – Purser</title>
<style>body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 20vh auto; padding: 0 1rem; overflow-wrap: anywhere }</style>
<h1>${escaped(title)}</h1>
<p>${escaped(text)}</p>
</html>
`)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
