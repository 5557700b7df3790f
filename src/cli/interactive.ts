import { isObject, setOwn, type Json, type JsonObject } from '../core/json.ts'
import { asPlan, type Proposal } from './answers.ts'
import { choose, openAsker, type Asker } from './ask.ts'
import { isDenial, note, refused, type Context } from './context.ts'
import { exits } from './io.ts'
import { renderPlan } from './render-plan.ts'
import { describeBudget } from './render-problem.ts'
import { parametersOf, type Parameter } from './render-things.ts'
import type { InputOptions } from './request-input.ts'
import { parsePairs, parseScalar } from './short-form.ts'
import { hang, visible } from './text.ts'
import { asDocument, type DocumentAnswer } from './things.ts'

/** A request's body that somebody looked at, or the exit code of having given up. */
export type Asked = { readonly body: Readonly<Record<string, unknown>> } | { readonly exit: number }

/**
 * `purser request -i`: asks for a create word by word, with the price and what is left of the budgets as it goes: after
 * each parameter the server plans what is there so far. Ends with the whole plan, and asks for exactly that one.
 */
export async function askForRequest(context: Context, words: readonly string[], options: InputOptions): Promise<Asked> {
  const asker = openAsker(context)
  if (asker === null) return usage(context, 'There is nobody to ask here: -i is for a terminal. Write the change in words, or in a file.')
  const [action = 'create', blueprint, name, ...pairs] = words
  const given = parsePairs(pairs, 'refuse-removal')
  try {
    if (action !== 'create' || options.file !== undefined || options.overwrite === true || options.blueprint !== undefined)
      return usage(context, '-i asks for a create; write other changes in words, or in a file')
    if (!given.ok) return usage(context, given.problem)
    return await converse({ context, asker, options }, { blueprint, name, parameters: given.value })
  } finally {
    asker.close()
  }
}

type Talk = { readonly context: Context; readonly asker: Asker; readonly options: InputOptions }
type Given = { readonly blueprint: string | undefined; readonly name: string | undefined; readonly parameters: JsonObject }

async function converse(talk: Talk, given: Given): Promise<Asked> {
  const { asker, options } = talk
  const team = options.team ?? (await pick(talk, 'Team', '/v1/me', teamsOf))
  if (typeof team !== 'string') return team
  const environment = options.env ?? (await pick(talk, 'Environment', '/v1/environments?first=200', namesOf))
  if (typeof environment !== 'string') return environment
  const blueprint = given.blueprint ?? (await pick(talk, 'Blueprint', '/v1/blueprints?first=200', namesOf))
  if (typeof blueprint !== 'string') return blueprint
  const read = await talk.context.call({ method: 'GET', path: `/v1/blueprints/${encodeURIComponent(blueprint)}`, repeatable: true })
  if (!read.ok) return { exit: await refused(talk.context, read.refusal) }
  const name = given.name ?? (await asker.line('Name: '))
  if (name === null || name === '') return gaveUp(talk)

  const parameters: Record<string, Json> = { ...given.parameters }
  const body = (): Readonly<Record<string, unknown>> => ({
    team,
    environment,
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    changes: [{ action: 'create', blueprint, name, parameters, ...(options.ttl === undefined ? {} : { ttl: options.ttl }) }],
  })
  for (const parameter of askable(asDocument(read.body), environment)) {
    if (Object.hasOwn(parameters, parameter.name)) continue
    if (!(await askParameter(talk, parameter, parameters, body))) return gaveUp(talk)
  }
  return await confirm(talk, body())
}

/** A choice among what the server names. */
async function pick(
  talk: Talk,
  label: string,
  path: string,
  read: (body: unknown) => readonly string[],
): Promise<string | { readonly exit: number }> {
  const answer = await talk.context.call({ method: 'GET', path, repeatable: true })
  if (!answer.ok) return { exit: await refused(talk.context, answer.refusal) }
  const choices = read(answer.body)
  if (choices.length === 0) {
    note(talk.context, `There is no ${label.toLowerCase()} that you could choose.`)
    return { exit: exits.refused }
  }
  return (await choose(talk.asker, label, choices)) ?? gaveUp(talk)
}

function teamsOf(body: unknown): readonly string[] {
  const teams: readonly unknown[] = isObject(body) && Array.isArray(body.teams) ? body.teams : []
  // A viewer may not ask.
  return teams.flatMap((team) => (isObject(team) && typeof team['name'] === 'string' && team['role'] !== 'viewer' ? [team['name']] : []))
}

function namesOf(body: unknown): readonly string[] {
  const items: readonly unknown[] = isObject(body) && Array.isArray(body.items) ? body.items : []
  return items.flatMap((item) =>
    isObject(item) && isObject(item['metadata']) && typeof item['metadata']['name'] === 'string' ? [item['metadata']['name']] : [],
  )
}

/** The blueprint's parameters, with the defaults of the environment. */
function askable({ spec }: DocumentAnswer, environment: string): readonly Parameter[] {
  const environments = isObject(spec['environments']) ? spec['environments'] : {}
  const own = isObject(environments[environment]) ? environments[environment]['defaults'] : undefined
  const defaults = isObject(own) ? own : {}
  return parametersOf(spec).map((parameter) => {
    const value = defaults[parameter.name]
    return value === undefined ? parameter : { ...parameter, byDefault: typeof value === 'string' ? value : JSON.stringify(value) }
  })
}

/** Asks until the server has nothing against the value; false at the end of the input. */
async function askParameter(
  talk: Talk,
  parameter: Parameter,
  parameters: Record<string, Json>,
  body: () => Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const { asker } = talk
  const { name, type, isText, byDefault, required, about } = parameter
  if (about !== '') asker.say(talk.context.errorView.paint('dim', visible(about)))
  const optional = byDefault !== null ? ` [${byDefault}]` : required ? '' : ' [none]'
  for (;;) {
    const typed = await asker.line(`${name} (${type})${optional}: `)
    if (typed === null) return false
    if (typed === '' && required && byDefault === null) {
      asker.say('This one must be given.')
      continue
    }
    // An empty line leaves the value to the blueprint, so that the request says only what was decided here.
    const value = isText ? { ok: true as const, value: typed } : parseScalar(typed)
    if (!value.ok) {
      asker.say(visible(value.problem))
      continue
    }
    if (typed !== '') setOwn(parameters, name, value.value)
    const wrong = await tell(talk, body(), name)
    if (wrong === null) return true
    asker.say(visible(wrong))
    delete parameters[name]
  }
}

/** Says what it would cost so far; what is wrong with this parameter, or null. What is missing still is asked for later. */
async function tell({ context, asker }: Talk, body: Readonly<Record<string, unknown>>, name: string): Promise<string | null> {
  const answer = await context.call({ method: 'POST', path: '/v1/plans', body, repeatable: true })
  if (answer.ok) {
    const plan = visible(asPlan(answer.body))
    const price = `${plan.cost.monthlyDelta} ${plan.cost.currency} a month`
    const verdict = plan.decision.outcome === 'allowed' ? '' : plan.decision.outcome === 'denied' ? ' · denied so far' : ' · needs approval'
    const parts = [price, ...plan.budgets.map(describeBudget)]
    asker.say(context.errorView.paint('cyan', hang('  ', `${parts.join(' · ')}${verdict}`, context.errorView)))
    return null
  }
  const errors: readonly unknown[] = Array.isArray(answer.refusal.problem['errors']) ? answer.refusal.problem['errors'] : []
  const pointer = `/changes/0/parameters/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
  const mine = errors.find(
    (error) => isObject(error) && (error['pointer'] === pointer || String(error['pointer']).startsWith(`${pointer}/`)),
  )
  return isObject(mine) && typeof mine['detail'] === 'string' ? `${name} ${mine['detail']}` : null
}

/** Shows the whole plan, and takes a yes for exactly that one. */
async function confirm(talk: Talk, body: Readonly<Record<string, unknown>>): Promise<Asked> {
  const { context, asker } = talk
  const answer = await context.call({ method: 'POST', path: '/v1/plans', body, repeatable: true })
  if (!answer.ok) return { exit: await refused(context, answer.refusal) }
  const plan: Proposal = asPlan(answer.body)
  asker.say(`\n${renderPlan(visible(plan), false, context.errorView)}\n`)
  if (plan.decision.outcome === 'denied' || isDenial(plan.problem?.code)) return { exit: exits.denied }
  const yes = await asker.line('Ask for exactly this? [y/N] ')
  return yes !== null && /^(?:y|yes)$/i.test(yes) ? { body: { ...body, planDigest: plan.plan.digest } } : gaveUp(talk)
}

function gaveUp({ context }: Talk): { readonly exit: number } {
  note(context, '\nNothing was asked for.')
  return { exit: exits.refused }
}

function usage(context: Context, line: string): { readonly exit: number } {
  note(context, line)
  return { exit: exits.usage }
}
