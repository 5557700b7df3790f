import { isObject, setOwn, type Json, type JsonObject } from '../core/json.ts'
import type { ChangeInput } from '../core/plan.ts'
import { ok, refuse, type Result } from '../core/result.ts'

export type ChangeOptions = { readonly ttl?: string; readonly blueprint?: string; readonly overwrite?: boolean }

/**
 * One change as it is typed: `create <blueprint> <name> key=value…`, `update <name> key=value key=…`, `delete <name>`;
 * or one sentence on what is wrong with it.
 */
export function parseChange(words: readonly string[], options: ChangeOptions): Result<ChangeInput, string> {
  const [action, ...rest] = words
  switch (action) {
    case 'create': {
      const [blueprint, name, ...pairs] = rest
      if (blueprint === undefined || name === undefined || isPair(blueprint) || isPair(name))
        return refuse('A create takes a blueprint and a name: create postgres orders-db size=m')
      if (options.overwrite === true || options.blueprint !== undefined)
        return refuse('--overwrite and --blueprint are for update and delete; create takes the blueprint as a word')
      const parameters = parsePairs(pairs, 'refuse-removal')
      if (!parameters.ok) return parameters
      return ok({ action, name, blueprint, parameters: parameters.value, ...(options.ttl === undefined ? {} : { ttl: options.ttl }) })
    }
    case 'update': {
      const [name, ...pairs] = rest
      if (name === undefined || isPair(name)) return refuse('An update takes a name: update orders-db storageGB=200')
      if (options.ttl !== undefined) return refuse('--ttl is for create')
      const parameters = parsePairs(pairs, 'allow-removal')
      if (!parameters.ok) return parameters
      return ok({
        action,
        name,
        parameters: parameters.value,
        ...(options.blueprint === undefined ? {} : { blueprint: options.blueprint }),
        ...overwrite(options),
      })
    }
    case 'delete': {
      const [name, ...more] = rest
      if (name === undefined || isPair(name) || more.length > 0) return refuse('A delete takes one name: delete orders-db')
      if (options.ttl !== undefined || options.blueprint !== undefined) return refuse('--ttl and --blueprint are not for delete')
      return ok({ action, name, ...overwrite(options) })
    }
    case undefined:
      return refuse('Say what to do: create, update or delete, or -f FILE')
    default:
      return refuse(`There is no action ${action}: create, update or delete`)
  }
}

function overwrite(options: ChangeOptions): { readonly overwrite?: boolean } {
  return options.overwrite === true ? { overwrite: true } : {}
}

function isPair(word: string): boolean {
  return word.includes('=')
}

/** `a.b=1` … → `{a: {b: 1}}`; `\.` is a dot inside a name. `key=` removes (null) where that is allowed. */
export function parsePairs(pairs: readonly string[], removal: 'allow-removal' | 'refuse-removal'): Result<JsonObject, string> {
  const parameters: Record<string, Json> = {}
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    if (equals < 1) return refuse(`${pair} is no parameter: write key=value`)
    const key = pair.slice(0, equals)
    const text = pair.slice(equals + 1)
    if (text === '' && removal === 'refuse-removal') return refuse(`${pair} has no value; an empty text is ${key}='""'`)
    const value = text === '' ? ok(null) : parseScalar(text)
    if (!value.ok) return refuse(`${key}: ${value.problem}`)
    if (!place(parameters, splitPath(key), value.value)) return refuse(`${key} is given twice, or both as a value and as a group`)
  }
  return ok(parameters)
}

function splitPath(key: string): readonly string[] {
  const names = ['']
  for (let i = 0; i < key.length; i += 1) {
    const char = key[i] ?? ''
    if (char === '.') names.push('')
    else if (char === '\\' && key[i + 1] === '.') {
      names[names.length - 1] += '.'
      i += 1
    } else names[names.length - 1] += char
  }
  return names
}

/** False when the path is empty somewhere, taken, or leads through a value. */
function place(target: Record<string, unknown>, path: readonly string[], value: Json): boolean {
  const last = path.at(-1)
  if (last === undefined || path.includes('')) return false
  let at = target
  for (const name of path.slice(0, -1)) {
    if (!Object.hasOwn(at, name)) setOwn(at, name, {})
    const next = at[name]
    if (!isObject(next)) return false
    at = next
  }
  if (Object.hasOwn(at, last)) return false
  setOwn(at, last, value)
  return true
}

/**
 * A value as YAML's core schema reads a plain scalar, or JSON where it begins like JSON: `'"1.10"'` is text, `[a]` is
 * refused rather than guessed at, and a number that JavaScript would round is too.
 */
export function parseScalar(text: string): Result<Json, string> {
  if (/^["[{]/.test(text)) {
    try {
      return ok(JSON.parse(text) as Json) // JSON.parse makes nothing but JSON.
    } catch {
      return refuse(`${text} begins like JSON but is none; quote texts inside lists: ["a"]`)
    }
  }
  if (/^(?:null|Null|NULL|~)$/.test(text)) return ok(null)
  if (/^(?:true|True|TRUE)$/.test(text)) return ok(true)
  if (/^(?:false|False|FALSE)$/.test(text)) return ok(false)
  if (/^[-+]?\d+$/.test(text)) {
    const number = Number(text)
    return Number.isSafeInteger(number)
      ? ok(number === 0 ? 0 : number)
      : refuse(`${text} is too large for an exact number; as text it is '"${text}"'`)
  }
  if (/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(text)) {
    const number = Number(text)
    return Number.isFinite(number) ? ok(number) : refuse(`${text} is too large for a number`)
  }
  return ok(text)
}
