import { BlockList, isIP } from 'node:net'

/**
 * Where hooks may be posted to. A document names the place and Purser goes there, from within a network that trusts it: so
 * only public addresses are, whatever a name resolves to, and what an installation allows beside them. Judged are
 * addresses, at the moment of the connection, never names.
 */

/** What PURSER_ALLOW_PRIVATE_ADDRESSES says. `private`: every address of a private network and this machine. */
export type AllowedAddresses = { readonly private: boolean; readonly ranges: readonly string[] }

export type AddressJudge = (address: string, scheme: 'http' | 'https') => boolean

const privateRanges = ['10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '::1/128', 'fc00::/7']

/** Never meant by "private": link-local ones and what clouds tell their machines' secrets at. Whoever means one names it. */
const metadataRanges = ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::/32', '100.100.100.200/32', '168.63.129.16/32']

/** Of IPv4 what the IANA keeps for special purposes (its registry, RFC 6890). */
const specialIpv4 = '0.0.0.0/8 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3'.split(' ')

/** Of IPv6 only what is given out to be reached from everywhere, and of that neither tunnels to IPv4 nor examples. */
const globalIpv6 = ['2000::/3']
const specialIpv6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

export function judgeAddresses(allowed: AllowedAddresses): AddressJudge {
  const metadata = listOf(metadataRanges)
  const closed = listOf([...privateRanges, ...metadataRanges, ...specialIpv4, ...specialIpv6])
  const open = listOf(globalIpv6)
  const named = listOf(allowed.ranges)
  const own = listOf(allowed.private ? privateRanges : [])
  return (text, scheme) => {
    const address = plain(text)
    const family = isIP(address)
    if (family === 0) return false
    const within = (list: BlockList) => list.check(address, family === 4 ? 'ipv4' : 'ipv6')
    // What the installation vouches for may be spoken to without encryption.
    if (within(named) || (within(own) && !within(metadata))) return true
    return scheme === 'https' && !within(closed) && (family === 4 || within(open))
  }
}

/** `true`, `false`, or ranges as `10.20.0.0/16, fd12::1`; null: it is none of these. */
export function parseAllowedAddresses(text: string): AllowedAddresses | null {
  if (text === 'true' || text === 'false') return { private: text === 'true', ranges: [] }
  const ranges = text.split(',').map((range) => range.trim())
  return ranges.every((range) => parseRange(range) !== null) ? { private: false, ranges } : null
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const parsed = parseRange(range)
    if (parsed === null) throw new Error(`${range} is no range of addresses`)
    list.addSubnet(parsed.address, parsed.bits, parsed.family)
  }
  return list
}

function parseRange(text: string): { readonly address: string; readonly bits: number; readonly family: 'ipv4' | 'ipv6' } | null {
  const [, address = '', length] = /^([0-9A-Fa-f:.]{2,45})(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const family = isIP(address)
  const most = family === 4 ? 32 : 128
  const bits = length === undefined ? most : Number(length)
  return family === 0 || bits > most ? null : { address, bits, family: family === 4 ? 'ipv4' : 'ipv6' }
}

/** The address that is meant: of one that stands for an IPv4 address (mapped, or NAT64 of RFC 6052) that one, and without a zone. */
function plain(text: string): string {
  const address = text.replace(/%.*$/, '')
  if (isIP(address) !== 6) return address
  // The URL parser writes each IPv6 address in one way.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [, high, low] = /^(?:::ffff|64:ff9b:):([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical) ?? []
  if (high === undefined || low === undefined) return canonical
  const [upper, lower] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [upper >> 8, upper & 255, lower >> 8, lower & 255].join('.')
}
