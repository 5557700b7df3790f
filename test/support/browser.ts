import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { afterAll } from 'vitest'

type Params = Readonly<Record<string, unknown>>
type Message = {
  readonly id?: number
  readonly method?: string
  readonly params?: Params
  readonly result?: Params
  readonly error?: { readonly message: string }
}

export type Page = {
  /** The address of everything that the page asked for. */
  readonly requests: readonly string[]
  /** What the browser complains about: errors and warnings of its own (policies, missing files), of the page, and of what it threw. */
  readonly complaints: readonly string[]
  open(url: string): Promise<void>
  /** The value of an expression in the page, once it is a promise kept. */
  evaluate(expression: string): Promise<unknown>
  /** Waits until an expression in the page is true. */
  until(expression: string): Promise<void>
  /** As from a keyboard, into what a selector finds. */
  type(selector: string, text: string): Promise<void>
  click(selector: string): Promise<void>
  /** Its cookies are gone: nobody knows who sits here. */
  forget(): Promise<void>
}

/** An empty page of a real Chromium without a screen, in a profile of its own, that finds no host but this one. Call it in a hook. */
export async function openBrowser(): Promise<Page> {
  const profile = await mkdtemp(join(tmpdir(), 'purser-chromium-'))
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--window-size=1600,1600']
  const offline = ['--disable-background-networking', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1']
  const all = [...flags, ...offline, `--user-data-dir=${profile}`, '--remote-debugging-pipe', 'about:blank']
  const browser = spawn('chromium', all, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
  const gone = new Promise<void>((resolve) => browser.once('exit', () => resolve()))
  afterAll(async () => {
    browser.kill()
    await gone
    // Its other processes may still write as they end.
    await rm(profile, { recursive: true, force: true, maxRetries: 10 })
  })

  // The pipes are there: they are asked for above.
  const [, , , into, from] = browser.stdio as unknown as [null, null, null, Writable, Readable]
  const waiting = new Map<number, (message: Message) => void>()
  const requests: string[] = []
  const complaints: string[] = []
  const send = (method: string, params: Params = {}, sessionId?: string) =>
    new Promise<Params>((resolve, reject) => {
      const id = waiting.size + 1
      waiting.set(id, ({ result, error }) =>
        error === undefined ? resolve(result ?? {}) : reject(new Error(`${method}: ${error.message}`)),
      )
      into.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    })
  let rest = ''
  from.setEncoding('utf8').on('data', (chunk: string) => {
    const messages = (rest + chunk).split('\0')
    rest = messages.pop() ?? ''
    for (const text of messages) {
      const message = JSON.parse(text) as Message
      if (message.id !== undefined) waiting.get(message.id)?.(message)
      else note(message)
    }
  })

  function note({ method, params = {} }: Message): void {
    if (method === 'Network.requestWillBeSent') requests.push((params['request'] as { url: string }).url)
    if (method === 'Network.webSocketCreated') requests.push(String(params['url']))
    if (method === 'Runtime.exceptionThrown') complaints.push(JSON.stringify(params))
    if (method === 'Runtime.consoleAPICalled' && ['error', 'warning', 'assert'].includes(String(params['type'])))
      complaints.push(JSON.stringify(params['args']))
    if (method === 'Log.entryAdded') {
      const entry = params['entry'] as { level: string; text: string }
      if (entry.level === 'error' || entry.level === 'warning') complaints.push(JSON.stringify(entry))
    }
  }

  const { targetInfos } = (await send('Target.getTargets')) as { targetInfos: { targetId: string; type: string }[] }
  const targetId = targetInfos.find(({ type }) => type === 'page')?.targetId
  const { sessionId } = (await send('Target.attachToTarget', { targetId, flatten: true })) as { sessionId: string }
  const ask = (method: string, params?: Params) => send(method, params, sessionId)
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await ask(`${domain}.enable`)

  async function evaluate(expression: string): Promise<unknown> {
    const answer = await ask('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
    if (answer['exceptionDetails'] !== undefined) throw new Error(`${expression}: ${JSON.stringify(answer['exceptionDetails'])}`)
    return (answer['result'] as { value?: unknown }).value
  }
  async function until(expression: string): Promise<void> {
    for (;;) {
      const found = evaluate(`new Promise((resolve) => {
        const look = () => (${expression}) ? resolve(true) : requestAnimationFrame(look)
        look()
      })`).catch(moved)
      if ((await found) === true) return
    }
  }
  /** A page that is left takes its answers along; the next one is asked again. */
  function moved(error: unknown): null {
    if (error instanceof Error && /navigated or closed|context was destroyed|find context/i.test(error.message)) return null
    throw error
  }
  const element = (selector: string) => `document.querySelector(${JSON.stringify(selector)})`
  return {
    requests,
    complaints,
    evaluate,
    until,
    async open(url) {
      await ask('Page.navigate', { url })
    },
    async forget() {
      await ask('Network.clearBrowserCookies')
    },
    async type(selector, text) {
      await until(`${element(selector)} !== null`)
      await evaluate(`${element(selector)}.focus()`)
      await ask('Input.insertText', { text })
    },
    async click(selector) {
      await until(`${element(selector)} !== null`)
      await evaluate(`${element(selector)}.click()`).catch(moved)
    },
  }
}
