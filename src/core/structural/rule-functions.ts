import type { Environment } from '@marcbachmann/cel-js'
import { EvaluationError } from '../expression/evaluation-error.ts'
import { sameValue } from '../expression.ts'
import { compilePattern, maxPatternLength } from '../re2.ts'
import { Cidr, Ip, parseCidr, parseIp } from './ip-address.ts'
import { parseQuantity, Quantity } from './quantity.ts'

/**
 * What Kubernetes adds to CEL (https://kubernetes.io/docs/reference/using-api/cel/#cel-options-language-features-and-libraries),
 * as far as rules can be evaluated here. What is missing (`format`, `semver`, loops with two variables) does not compile,
 * and whoever imports the rule is told.
 */
export function declareKubernetesFunctions(cel: Environment): void {
  const declare: Declare = (signature, handler) => void cel.registerFunction(signature, handler)
  declareLists(declare)
  declareText(declare)
  declareUrls(cel, declare)
  declareAddresses(cel, declare)
  declareQuantities(cel, declare)
  declareSets(cel, declare)
}

type Declare = (signature: string, handler: (...args: never[]) => unknown) => void

function fail(message: string): never {
  throw new EvaluationError(message)
}

function compare(a: unknown, b: unknown): number {
  const [x, y] = [a, b].map((value) => (value instanceof Date ? value.getTime() : value)) as [string, string] // Of one type in CEL.
  return x < y ? -1 : x > y ? 1 : 0
}

function declareLists(declare: Declare): void {
  const extreme = (list: readonly unknown[], sign: number) =>
    list.length === 0 ? fail('there is no item') : list.reduce((best, item) => (compare(item, best) * sign > 0 ? item : best))
  declare('list.isSorted(): bool', (list: readonly unknown[]) => list.every((item, i) => i === 0 || compare(list[i - 1], item) <= 0))
  declare('list.min(): dyn', (list: readonly unknown[]) => extreme(list, -1))
  declare('list.max(): dyn', (list: readonly unknown[]) => extreme(list, 1))
  declare('list.sum(): dyn', (list: readonly (bigint | number)[]) =>
    list.length === 0
      ? 0n
      : list.reduce((sum, item) => (typeof sum === 'bigint' && typeof item === 'bigint' ? sum + item : Number(sum) + Number(item))),
  )
  declare('list.indexOf(dyn): int', (list: readonly unknown[], wanted: unknown) =>
    BigInt(list.findIndex((item) => sameValue(item, wanted))),
  )
  declare('list.lastIndexOf(dyn): int', (list: readonly unknown[], wanted: unknown) =>
    BigInt(list.findLastIndex((item) => sameValue(item, wanted))),
  )
}

function declareText(declare: Declare): void {
  declare('string.charAt(int): string', (text: string, at: bigint) => {
    const characters = Array.from(text)
    return at < 0n || at > characters.length ? fail(`index ${at} is out of range`) : (characters[Number(at)] ?? '')
  })
  declare('string.replace(string, string): string', (text: string, from: string, to: string) => text.split(from).join(to))
  declare('string.replace(string, string, int): string', (text: string, from: string, to: string, limit: bigint) => {
    const parts = text.split(from)
    const cut = limit < 0n ? parts.length : Math.min(Number(limit), parts.length - 1)
    return (
      parts.slice(0, cut + 1).join(to) +
      parts
        .slice(cut + 1)
        .map((part) => from + part)
        .join('')
    )
  })
  declare('string.find(string): string', (text: string, source: string) => findAll(text, source, 1)[0] ?? '')
  declare('string.findAll(string): list<string>', (text: string, source: string) => findAll(text, source, Infinity))
  declare('string.findAll(string, int): list<string>', (text: string, source: string, limit: bigint) =>
    findAll(text, source, limit < 0n ? Infinity : Number(limit)),
  )
}

function findAll(text: string, source: string, limit: number): readonly string[] {
  const pattern = compilePattern(source)
  if (!pattern.ok) return fail(`the pattern ${pattern.problem} (${source.slice(0, maxPatternLength)})`)
  return pattern.value.findAll(text, limit)
}

function declareUrls(cel: Environment, declare: Declare): void {
  cel.registerType('kubernetes.URL', { ctor: URL })
  declare('isURL(string): bool', (text: string) => parseUrl(text) !== null)
  declare('url(string): kubernetes.URL', (text: string) => parseUrl(text) ?? fail(`${JSON.stringify(text.slice(0, 100))} is no URL`))
  declare('kubernetes.URL.getScheme(): string', (url: URL) => url.protocol.slice(0, -1))
  declare('kubernetes.URL.getHost(): string', (url: URL) => url.host)
  declare('kubernetes.URL.getHostname(): string', (url: URL) => url.hostname.replace(/^\[(.*)\]$/, '$1'))
  declare('kubernetes.URL.getPort(): string', (url: URL) => url.port)
  declare('kubernetes.URL.getEscapedPath(): string', (url: URL) => url.pathname)
  declare('kubernetes.URL.getQuery(): map<string, list<string>>', (url: URL) => {
    return new Map([...new Set(url.searchParams.keys())].map((key) => [key, url.searchParams.getAll(key)]))
  })
}

/** What Go's url.ParseRequestURI takes and JavaScript can read: a URL with a scheme. */
function parseUrl(text: string): URL | null {
  return /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) && URL.canParse(text) ? new URL(text) : null
}

function declareAddresses(cel: Environment, declare: Declare): void {
  cel.registerType('net.IP', { ctor: Ip })
  cel.registerType('net.CIDR', { ctor: Cidr })
  const ip = (text: string) => parseIp(text) ?? fail(`${JSON.stringify(text.slice(0, 100))} is no IP address`)
  const cidr = (text: string) => parseCidr(text) ?? fail(`${JSON.stringify(text.slice(0, 100))} is no CIDR`)
  declare('isIP(string): bool', (text: string) => parseIp(text) !== null)
  declare('ip(string): net.IP', ip)
  declare('string(net.IP): string', (address: Ip) => address.toString())
  declare('net.IP.family(): int', (address: Ip) => BigInt(address.family))
  declare('net.IP.isLoopback(): bool', (address: Ip) => address.isIn('127.0.0.0/8', '::1/128'))
  declare('net.IP.isUnspecified(): bool', (address: Ip) => address.isIn('0.0.0.0/32', '::/128'))
  declare('net.IP.isLinkLocalUnicast(): bool', (address: Ip) => address.isIn('169.254.0.0/16', 'fe80::/10'))
  declare('isCIDR(string): bool', (text: string) => parseCidr(text) !== null)
  declare('cidr(string): net.CIDR', cidr)
  declare('string(net.CIDR): string', (range: Cidr) => range.toString())
  declare('net.CIDR.ip(): net.IP', (range: Cidr) => range.ip)
  declare('net.CIDR.prefixLength(): int', (range: Cidr) => BigInt(range.bits))
  declare('net.CIDR.masked(): net.CIDR', (range: Cidr) => range.masked())
  declare('net.CIDR.containsIP(string): bool', (range: Cidr, text: string) => range.containsIp(ip(text)))
  declare('net.CIDR.containsIP(net.IP): bool', (range: Cidr, address: Ip) => range.containsIp(address))
  declare('net.CIDR.containsCIDR(string): bool', (range: Cidr, text: string) => range.containsCidr(cidr(text)))
  declare('net.CIDR.containsCIDR(net.CIDR): bool', (range: Cidr, other: Cidr) => range.containsCidr(other))
  cel.registerOperator('net.IP == net.IP', (a: Ip, b: Ip) => a.toString() === b.toString())
  cel.registerOperator('net.CIDR == net.CIDR', (a: Cidr, b: Cidr) => a.toString() === b.toString())
}

function declareQuantities(cel: Environment, declare: Declare): void {
  cel.registerType('kubernetes.Quantity', { ctor: Quantity })
  declare('isQuantity(string): bool', (text: string) => parseQuantity(text) !== null)
  declare(
    'quantity(string): kubernetes.Quantity',
    (text: string) => parseQuantity(text) ?? fail(`${JSON.stringify(text.slice(0, 100))} is no quantity such as 500Mi`),
  )
  const method = (signature: string, handler: (quantity: Quantity, other: Quantity) => unknown) =>
    declare(`kubernetes.Quantity.${signature}`, handler)
  method('isGreaterThan(kubernetes.Quantity): bool', (a, b) => a.compareTo(b) > 0n)
  method('isLessThan(kubernetes.Quantity): bool', (a, b) => a.compareTo(b) < 0n)
  method('compareTo(kubernetes.Quantity): int', (a, b) => a.compareTo(b))
  method('add(kubernetes.Quantity): kubernetes.Quantity', (a, b) => a.plus(b))
  method('sub(kubernetes.Quantity): kubernetes.Quantity', (a, b) => a.plus(b.negated()))
  method('add(int): kubernetes.Quantity', (a, n) => a.plus(new Quantity(BigInt(n as unknown as bigint), 1n))) // An int in CEL.
  method('sign(): int', (a) => a.sign())
  method('isInteger(): bool', (a) => a.asInteger() !== null)
  method('asInteger(): int', (a) => a.asInteger() ?? fail('the quantity is no whole number'))
  method('asApproximateFloat(): double', (a) => a.asDouble())
  cel.registerOperator('kubernetes.Quantity == kubernetes.Quantity', (a: Quantity, b: Quantity) => a.compareTo(b) === 0n)
}

/** `sets.contains(a, b)`: cel-js reads what stands before the point as a constant of a type of its own. */
class Sets {
  readonly namespace = 'sets'
}

function declareSets(cel: Environment, declare: Declare): void {
  cel.registerType('SetsNamespace', { ctor: Sets })
  cel.registerConstant('sets', 'SetsNamespace', new Sets())
  const holds = (list: readonly unknown[], wanted: unknown) => list.some((item) => sameValue(item, wanted))
  const contains = (all: readonly unknown[], some: readonly unknown[]) => some.every((item) => holds(all, item))
  declare('SetsNamespace.contains(list, list): bool', (_: Sets, a: readonly unknown[], b: readonly unknown[]) => contains(a, b))
  declare(
    'SetsNamespace.equivalent(list, list): bool',
    (_: Sets, a: readonly unknown[], b: readonly unknown[]) => contains(a, b) && contains(b, a),
  )
  declare('SetsNamespace.intersects(list, list): bool', (_: Sets, a: readonly unknown[], b: readonly unknown[]) =>
    b.some((item) => holds(a, item)),
  )
}
