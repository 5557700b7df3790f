/**
 * `npm run demo`: the whole story on a fresh data directory, told as it happens, with the command as anybody would type it.
 * Ends with what is in Git, and exits 0 when everything went as told. `--source` runs the source instead of dist/.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const program = process.argv.includes('--source') ? ['--import', 'tsx', 'src/main.ts'] : ['dist/main.js']
const data = await mkdtemp(join(tmpdir(), 'purser-demo-'))
const repository = join(data, 'gitops.git')
const { PATH = '', HOME = '', TERM = '', NO_COLOR } = process.env
const environment = { PATH, HOME, TERM, PURSER_DATA: data, ...(NO_COLOR === undefined ? {} : { NO_COLOR }) }

const WIDTH = 80
/** How long the server, or a commit, may take on a busy machine. */
const PATIENCE_MS = 60_000

const server = spawn(process.execPath, [...program, 'serve', '--work'], {
  env: { ...environment, PORT: '0', LOG_LEVEL: 'error' },
  stdio: ['ignore', 'pipe', 'inherit'],
})
const stopped = once(server, 'exit')
try {
  await tell(await ready())
} finally {
  server.kill('SIGINT')
  await stopped
  await rm(data, { recursive: true, force: true, maxRetries: 3 })
}

async function ready(): Promise<string> {
  say('Purser starts: PostgreSQL, queue and a GitOps repository of its own, with an example platform.')
  let printed = ''
  for await (const chunk of server.stdout) {
    printed += String(chunk)
    const url = /^purser ready on (\S+)$/m.exec(printed)?.[1]
    if (url === undefined) continue
    server.stdout.resume()
    return url
  }
  throw new Error('the server ended before it was ready')
}

async function tell(url: string): Promise<void> {
  /** Runs a command as it is shown, and holds it to its exit code. */
  async function purser(line: string, expected = 0): Promise<void> {
    process.stdout.write(`${bold(`$ purser ${line}`)}\n`)
    const { code } = await run(process.execPath, [...program, ...words(line)], { ...environment, PURSER_URL: url }, true)
    if (code !== expected) throw new Error(`purser ${line} ended with ${code}, not ${expected}`)
  }
  async function ask(line: string): Promise<Record<string, unknown>> {
    const { text } = await run(process.execPath, [...program, ...words(line), '-o', 'json'], { ...environment, PURSER_URL: url }, false)
    return JSON.parse(text) as Record<string, unknown> // What the command prints with -o json.
  }
  async function newest(): Promise<string> {
    const { items } = (await ask('requests --first 1')) as { items: { id: string }[] }
    return items[0]?.id ?? ''
  }
  const alice = '--as alice@example.com'
  const [forDev, forProd] = ['dev', 'prod'].map((place) => `--team payments --env ${place}`)

  say('What may be asked for is described by blueprints. Here are those of the example platform, and what one takes:')
  await purser('blueprints')
  await purser('blueprints postgres')

  say('Alice, of team payments, wants a database. What would it cost, and may she? A plan stores nothing.')
  await purser(`plan create postgres trial-db size=s ${forDev} ${alice}`)
  say('It is allowed and paid for. So she asks, and waits for the commit:')
  await purser(`request create postgres trial-db size=s ${forDev} ${alice} --reason first-try --wait`)

  say('Not everything goes. A refusal says which rule, which facts, and the way out:')
  await purser(`request create postgres big-db size=l ${forProd} ${alice}`, 3)

  say('A big one for production is allowed when a database administrator looks at it. The rules also give it a standby.')
  await purser(`request create postgres orders-db size=m storageGB=600 ${forProd} ${alice} --reason orders-go-live`)
  const orders = await newest()
  const { plan } = (await ask(`requests ${orders}`)) as { plan: { digest: string } }
  say('Nobody approves what they asked for:')
  await purser(`approve ${orders} --digest ${plan.digest} ${alice}`, 1)
  say('Bob finds it among what waits for him, reads what it changes, and approves exactly that plan, by its digest.')
  await purser('approvals --as bob@example.com')
  await purser(`diff ${orders} --as bob@example.com`)
  await purser(`approve ${orders} --digest ${plan.digest} --as bob@example.com --comment fits`)
  await committed(orders)
  await purser(`requests ${orders} ${alice}`)

  say('The money is kept in budgets: what lives and what is promised must fit.')
  await purser(`budgets ${alice}`)
  await purser(`budgets payments-prod --ledger ${alice}`)
  const many = 'image=registry.example.com/pay:1 replicas=20 cpu="2" memoryMi=8192'
  say('A service of twenty replicas is much; it waits for the platform team, and its money is reserved. There is none for a second one.')
  await purser(`request create webservice till domain=till.example.com ${many} ${forProd} ${alice}`)
  const till = await newest()
  await purser(`request create webservice desk domain=desk.example.com ${many} ${forProd} ${alice}`, 3)
  say('Pat, of the platform team, says no; the money is free again. Alice may try once more, and think better of it.')
  await purser(`reject ${till} --comment half-of-it-will-do --as pat@example.com`)
  await purser(`retry ${till} ${alice}`)
  await purser(`cancel ${await newest()} ${alice}`)

  say('What there is now:')
  await purser(`requests ${alice}`)
  await purser(`resources ${alice}`)
  await purser(`resources orders-db ${alice}`)

  say('Every commit on the GitOps branch is backed by an approved plan, byte for byte:')
  await purser('gitops verify')
  say('Unless somebody slips one in, past Purser:')
  await intrude()
  await purser('gitops verify', 1)

  say('And this is what Argo CD or Flux would see. Each commit says who asked, who approved, and by which plan; the one on top does not.')
  await git(['log', '-p'], true)
  say('That was Purser. npm start keeps one running; README.md goes on from here.')

  async function committed(id: string): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS
    while ((await ask(`requests ${id}`))['state'] !== 'committed') {
      if (Date.now() > deadline) throw new Error(`${id} was not committed in time`)
      await delay(100)
    }
  }
}

/** A commit by hand, as somebody with a key of the repository could make it. */
async function intrude(): Promise<void> {
  const tree = (await git(['rev-parse', 'main^{tree}'], false)).trim()
  const commit = (await git(['commit-tree', tree, '-p', 'main', '-m', 'payments/prod: create postgres mine'], false)).trim()
  await git(['update-ref', 'refs/heads/main', commit], false)
}

async function git(args: readonly string[], shown: boolean): Promise<string> {
  if (shown) process.stdout.write(`${bold(`$ git ${args.join(' ')}`)}\n`)
  const person = { GIT_AUTHOR_NAME: 'Mallory', GIT_AUTHOR_EMAIL: 'mallory@example.com' }
  const committer = { GIT_COMMITTER_NAME: 'Mallory', GIT_COMMITTER_EMAIL: 'mallory@example.com' }
  // The repository may belong to the user that the embedded database runs as.
  const safe = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' }
  const whole = ['--no-pager', `--git-dir=${repository}`, ...args, ...(args[0] === 'log' ? ['main'] : [])]
  const { code, text } = await run('git', whole, { PATH, HOME: data, TERM, ...person, ...committer, ...safe }, shown)
  if (code !== 0) throw new Error(`git ${args.join(' ')} ended with ${code}`)
  return text
}

type Ran = { readonly code: number | null; readonly text: string }

async function run(command: string, args: readonly string[], env: Record<string, string>, shown: boolean): Promise<Ran> {
  const child = spawn(command, args, { env, stdio: ['ignore', shown ? 'inherit' : 'pipe', 'inherit'] })
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => (text += String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, text }
}

/** No word of the demonstration holds a space. */
function words(line: string): readonly string[] {
  return line.split(' ')
}

function say(text: string): void {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line !== '' && line.length + word.length >= WIDTH) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  process.stdout.write(`\n${lines.join('\n')}\n\n`)
}

function bold(text: string): string {
  return process.stdout.isTTY === true && NO_COLOR === undefined ? `\x1b[1m${text}\x1b[22m` : text
}
