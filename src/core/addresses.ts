import { Ip, parseCidr, parseIpv4, parseIpv6, type Cidr } from './structural/ip-address.ts'

/**
 * Where Purser may be sent: by a document that names a hook or an issuer, from within a network that trusts it. Judged are
 * addresses, at the moment of the connection, never names.
 */

/** What PURSER_ALLOW_PRIVATE_ADDRESSES says. `private`: every address of a private network and this machine. */
export type AllowedAddresses = { readonly private: boolean; readonly ranges: readonly string[] }

export type AddressJudge = (address: string, scheme: 'http' | 'https') => boolean

const loopback = listOf(['127.0.0.0/8', '::1'])

const privateRanges = listOf(['10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '::1', 'fc00::/7'])

/** Link-local ones, and where clouds tell a machine's credentials to whoever asks on it: Amazon, Google, Alibaba, Oracle, Azure. */
const metadata = listOf(['169.254.0.0/16', '100.100.100.200', '192.0.0.192', '168.63.129.16', 'fe80::/10', 'fd00:ec2::/32', 'fd20:ce::254'])

const nobodys = listOf(['0.0.0.0/8', '224.0.0.0/3', '::', 'ff00::/8'])

/** What the IANA keeps for special purposes (its registry, RFC 6890); of IPv6 also tunnels to IPv4 and examples. */
const special = listOf(
  '192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 2001::/23 2001:db8::/32 2002::/16 3fff::/20'.split(
    ' ',
  ),
)

/** Of IPv6 only this is given out to be reached from everywhere. */
const global = listOf(['0.0.0.0/0', '2000::/3'])

/** Where hooks may be posted to: public addresses, and what an installation allows beside them. */
export function judgeAddresses(allowed: AllowedAddresses): AddressJudge {
  const named = listOf(allowed.ranges)
  return (text, scheme) => {
    const ip = plainIp(text)
    if (ip === null) return false
    // What the installation vouches for may be spoken to without encryption. Whoever means metadata names it.
    if (isIn(named, ip) || (allowed.private && isIn(privateRanges, ip) && !isIn(metadata, ip))) return true
    return scheme === 'https' && isIn(global, ip) && ![privateRanges, metadata, nobodys, special].some((list) => isIn(list, ip))
  }
}

/** Whether an issuer may be at an address. Private networks are where issuers live; `local`: this one is on this machine. */
export function mayBeIssuer(address: string, local: boolean): boolean {
  const ip = plainIp(address)
  return ip !== null && !isIn(nobodys, ip) && !isIn(metadata, ip) && (local || !isIn(loopback, ip))
}

/** Whether a URL's host says by itself that it is this machine: only there is plain http good enough. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
}

/** `true`, `false`, or ranges as `10.20.0.0/16, fd12::1`; null: it is none of these. */
export function parseAllowedAddresses(text: string): AllowedAddresses | null {
  if (text === 'true' || text === 'false') return { private: text === 'true', ranges: [] }
  const ranges = text.split(',').map((range) => range.trim())
  return ranges.every((range) => parseRange(range) !== null) ? { private: false, ranges } : null
}

/** A range as `10.20.0.0/16`, or the one address. */
export function parseRange(text: string): Cidr | null {
  if (text.includes('/')) return parseCidr(text)
  return parseCidr(`${text}/${text.includes(':') ? 128 : 32}`)
}

function listOf(ranges: readonly string[]): readonly Cidr[] {
  return ranges.map((range) => {
    const parsed = parseRange(range)
    if (parsed === null) throw new Error(`${range} is no range of addresses`)
    return parsed
  })
}

function isIn(ranges: readonly Cidr[], ip: Ip): boolean {
  return ranges.some((range) => range.containsIp(ip))
}

/** What is meant: of an address that stands for an IPv4 one (mapped, or NAT64 of RFC 6052) that one, and without a zone. */
function plainIp(text: string): Ip | null {
  const address = text.replace(/%.*$/, '')
  const four = parseIpv4(address)
  if (four !== null) return new Ip(4, four, address)
  const six = parseIpv6(address)
  if (six === null) return null
  const within = six >> 32n
  return within === 0xffffn || within === 0x64ff9bn << 64n ? new Ip(4, six & 0xffff_ffffn, address) : new Ip(6, six, address)
}
