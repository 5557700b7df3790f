import type { Command } from 'commander'
import { isObject } from '../core/json.ts'
import { operations, permissionOf } from '../core/permissions.ts'
import { shells } from './completion.ts'
import { openContext, type Context } from './context.ts'
import { exits, type Io } from './io.ts'
import { parametersOf } from './render-things.ts'
import { readSettings } from './settings.ts'
import { asDocument } from './things.ts'

/** Somebody waits with a finger on the key. */
const PATIENCE_MS = 1_500
/** Names are inserted into a command line: nothing that a shell would read otherwise. */
const plain = /^[A-Za-z0-9@._=-]+$/
const MAX_CANDIDATES = 200

/**
 * `purser __complete`: what may stand at the cursor, a candidate a line. `words` are those after `purser`, the last one as
 * far as it is typed. Says nothing rather than something wrong: whatever fails, there are no candidates.
 */
export async function complete(program: Command, words: readonly string[], io: Io): Promise<number> {
  const prefix = words.at(-1) ?? ''
  try {
    const found = await candidates(
      program,
      words.slice(0, -1).filter((word) => word !== '='),
      prefix,
      io,
    )
    const fitting = [...new Set(found)].filter((word) => word.startsWith(prefix) && plain.test(word)).slice(0, MAX_CANDIDATES)
    if (fitting.length > 0) io.stdout.write(`${fitting.join('\n')}\n`)
  } catch {
    // Nobody there, no token, another version: a shell has no place for a message.
  }
  return exits.reached
}

async function candidates(program: Command, before: readonly string[], prefix: string, io: Io): Promise<readonly string[]> {
  const line = readLine(program, before)
  const { command } = line
  const expected = line.awaiting
  if (expected !== null) return expected.choices ?? (await named(ask(io, line), optionNouns[expected.long] ?? null))
  if (prefix.startsWith('-')) return [...command.options, ...program.options].flatMap(({ long }) => (long ? [long] : []))
  if (command === program && line.words.length > 0) return []
  if (command === program) return program.commands.flatMap((one) => (one.name().startsWith('_') ? [] : [one.name()]))
  return await words(line, io)
}

type Line = {
  readonly command: Command
  /** Words that are neither options nor their values, after the command. */
  readonly words: readonly string[]
  readonly options: Readonly<Record<string, string>>
  /** The option whose value is being typed. */
  readonly awaiting: { readonly long: string; readonly choices: readonly string[] | null } | null
}

function readLine(program: Command, before: readonly string[]): Line {
  let command = program
  const rest: string[] = []
  const options: Record<string, string> = {}
  let awaiting: Line['awaiting'] = null
  for (const word of before) {
    if (awaiting !== null) {
      options[awaiting.long] = word
      awaiting = null
    } else if (word.startsWith('-')) {
      const option = [...command.options, ...program.options].find(({ long, short }) => word === long || word === short)
      if (option?.required === true) awaiting = { long: option.long ?? '', choices: option.argChoices ?? null }
    } else {
      const next = rest.length === 0 ? command.commands.find((one) => one.name() === word) : undefined
      if (next === undefined) rest.push(word)
      else command = next
    }
  }
  return { command, words: rest, options, awaiting }
}

const optionNouns: Readonly<Record<string, string>> = {
  '--team': 'teams',
  '--env': 'environments',
  '--blueprint': 'blueprints',
  '--resource': 'resources',
}

const kinds = ['environments', 'teams', 'blueprints', 'policies', 'budgets', 'services', 'trusts']

type Ask = (path: string) => Promise<unknown>

function ask(io: Io, { options }: Line): Ask {
  const as = options['--as']
  const settings = readSettings({ output: 'json', color: false, ...(as === undefined ? {} : { as }) }, io)
  if (!settings.ok) throw new Error(settings.problem)
  const context: Context = openContext(settings.value, io)
  return async (path) => {
    const answer = await context.call({ method: 'GET', path, repeatable: false, timeoutMs: PATIENCE_MS })
    if (!answer.ok) throw new Error('refused')
    return answer.body
  }
}

/** The words of a command that are not options. */
async function words(line: Line, io: Io): Promise<readonly string[]> {
  const { command, words: given } = line
  const [first, second] = given
  const at = given.length
  switch (command.name()) {
    case 'plan':
    case 'request':
      if (at === 0) return ['create', 'update', 'delete']
      if (first === 'create') {
        if (at === 1) return await named(ask(io, line), 'blueprints')
        return at > 2 ? await parameterNames(ask(io, line), second ?? '') : []
      }
      return at === 1 ? await named(ask(io, line), 'resources', line.options) : []
    case 'get':
      if (at === 0) return kinds
      return at === 1 && kinds.includes(first ?? '') ? await named(ask(io, line), first ?? '') : []
    case 'resources':
    case 'blueprints':
    case 'budgets':
      return at === 0 ? await named(ask(io, line), command.name(), line.options) : []
    case 'approve':
    case 'reject':
      return at === 0 ? await ids(ask(io, line), 'awaiting=me') : []
    case 'cancel':
      return at === 0 ? await ids(ask(io, line), 'state=pending_approval') : []
    case 'retry':
      return at === 0 ? [...(await ids(ask(io, line), 'state=failed')), ...(await ids(ask(io, line), 'state=rejected'))] : []
    case 'requests':
    case 'diff':
      return at === 0 ? await ids(ask(io, line), '') : []
    case 'can-i':
      return at === 0 ? operations.map((operation) => permissionOf(operation).verb) : []
    case 'completion':
      return at === 0 ? shells : []
    default:
      return at === 0 ? command.commands.map((one) => one.name()) : []
  }
}

/** Names of things, of those that the caller may see. */
async function named(get: Ask, noun: string | null, options: Line['options'] = {}): Promise<readonly string[]> {
  if (noun === null) return []
  const filter = new URLSearchParams({ first: String(MAX_CANDIDATES) })
  if (noun === 'resources') {
    if (options['--team'] !== undefined) filter.set('team', options['--team'])
    if (options['--env'] !== undefined) filter.set('environment', options['--env'])
  }
  return itemsOf(await get(`/v1/${noun}?${filter.toString()}`)).flatMap((item) => {
    const name = isObject(item['metadata']) ? item['metadata']['name'] : item['name']
    return typeof name === 'string' ? [name] : []
  })
}

async function ids(get: Ask, filter: string): Promise<readonly string[]> {
  return itemsOf(await get(`/v1/requests?first=50&${filter}`)).flatMap(({ id }) => (typeof id === 'string' ? [id] : []))
}

/** `size=`, `storageGB=`: what a blueprint takes. */
async function parameterNames(get: Ask, blueprint: string): Promise<readonly string[]> {
  return parametersOf(asDocument(await get(`/v1/blueprints/${encodeURIComponent(blueprint)}`)).spec).map(({ name }) => `${name}=`)
}

function itemsOf(body: unknown): readonly Readonly<Record<string, unknown>>[] {
  return isObject(body) && Array.isArray(body.items) ? body.items.filter(isObject) : []
}
