/**
 * What a process costs: start-up on fresh and on kept data, resident memory when idle, and what an install weighs.
 * `npx tsx bench/start.ts [starts]`
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const STARTS = Number(process.argv[2] ?? '5')
const root = join(import.meta.dirname, '..')
const data = mkdtempSync(join(tmpdir(), 'purser-bench-'))

async function start(): Promise<{ readyMs: number; rssMb: number }> {
  const began = performance.now()
  const child = spawn('node', ['dist/main.js', 'serve', '--work'], {
    cwd: root,
    env: { ...process.env, PORT: '0', PURSER_DATA: data, LOG_LEVEL: 'error' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (String(chunk).includes('purser ready')) resolve()
    })
    child.on('exit', (code) => reject(new Error(`ended with ${code}`)))
  })
  const readyMs = Math.round(performance.now() - began)
  await sleep(2_000)
  const rss = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGINT')
  await Promise.race([gone, sleep(10_000)])
  return { readyMs, rssMb: Math.round(Number(rss) / 1024) }
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const megabytes = (path: string) =>
  Math.round(Number(execFileSync('du', ['-sk', path], { cwd: root, encoding: 'utf8' }).split('\t')[0]) / 1024)

try {
  const first = await start()
  const kept = []
  for (let i = 0; i < STARTS; i++) kept.push(await start())
  console.table([
    { what: 'first start, ms', value: first.readyMs },
    { what: 'start on kept data, median ms', value: median(kept.map((k) => k.readyMs)) },
    { what: 'resident when idle, median MB', value: median(kept.map((k) => k.rssMb)) },
    { what: 'dist, MB', value: megabytes('dist') },
    { what: 'node_modules with development, MB', value: megabytes('node_modules') },
  ])
} finally {
  rmSync(data, { recursive: true, force: true })
}
