import { isLoopbackHost } from '../core/addresses.ts'
import { Secret } from '../core/secret.ts'

/** What the variables about identity may hold. Each is null for what is wrong; config.ts says which variable it was. */

/** Issuers of people, comma-separated, each as its tokens write it: with or without a slash at its end is another one. */
export function parseIssuers(text: string): readonly string[] | null {
  const issuers = [...new Set(listOf(text))]
  return issuers.length > 0 && issuers.length <= 20 && issuers.every(isIssuer) ? Object.freeze(issuers) : null
}

function isIssuer(text: string): boolean {
  if (!URL.canParse(text) || /[\s?#]/.test(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  if (username !== '' || password !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname))
}

/** `issuer=example.com,example.org; issuer2=example.net` */
export function parseEmailDomains(text: string): ReadonlyMap<string, readonly string[]> | null {
  const domains = new Map<string, readonly string[]>()
  for (const entry of text.split(';').map((e) => e.trim())) {
    if (entry === '') continue
    // The last: a domain has none, a path of the issuer may.
    const at = entry.lastIndexOf('=')
    const issuer = entry.slice(0, Math.max(at, 0)).trim()
    const names = listOf(entry.slice(at + 1).toLowerCase())
    if (!isIssuer(issuer) || domains.has(issuer) || names.length === 0 || !names.every(isDomain)) return null
    domains.set(issuer, Object.freeze(names))
  }
  return domains.size > 0 ? domains : null
}

function isDomain(text: string): boolean {
  return text.length <= 190 && text.split('.').every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
}

/** E-mail addresses, which have no case, and `group:` with a group's name as the issuer writes it. */
export function parsePeople(text: string): readonly string[] | null {
  const people = listOf(text).map((entry) => (entry.startsWith('group:') ? entry : entry.toLowerCase()))
  const known = people.every((entry) => (entry.startsWith('group:') ? entry.length > 'group:'.length : isEmail(entry)))
  return known ? Object.freeze(people) : null
}

function isEmail(text: string): boolean {
  const [local = '', domain = '', ...more] = text.split('@')
  return more.length === 0 && /^[^\s"(),:;<>\\]{1,64}$/.test(local) && isDomain(domain)
}

/** As long as a key of 256 bits that is written in hexadecimal, in base64 or in words is at least. */
const MIN_KEY = 32

/** The first signs, all verify. */
export function parseKeys(text: string): readonly Secret[] | null {
  const keys = listOf(text)
  return keys.length > 0 && keys.every((key) => key.length >= MIN_KEY) ? Object.freeze(keys.map((key) => new Secret(key))) : null
}

function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}
