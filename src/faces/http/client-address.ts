import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv6 } from 'node:net'

/** Whose X-Forwarded-For is believed: so many proxies in front of this server, or those at these addresses; null: nobody's. */
export type TrustProxy = { readonly hops: number } | { readonly networks: readonly string[] } | null

/** More proxies than anybody has in a row. */
const MAX_FORWARDED = 32

/**
 * Where a request comes from, as the key of what is counted by address: the peer of the connection, or whom the proxies that
 * are trusted name, from the nearest on. What somebody writes into the header who is not trusted changes nothing. Of IPv6
 * it is the /64, for that is what one customer has.
 */
export function addressReader(trust: TrustProxy): (request: IncomingMessage) => string {
  if (trust === null) return ({ socket }) => networkOf(socket.remoteAddress ?? '')
  const isTrusted = trustedBy(trust)
  return ({ socket, headers }) => {
    let address = plain(socket.remoteAddress ?? '')
    const forwarded = String(headers['x-forwarded-for'] ?? '')
      .split(',')
      .slice(-MAX_FORWARDED)
    for (let hop = 0; forwarded.length > 0 && isTrusted(address, hop); hop++) {
      const named = plain(forwarded.pop() ?? '')
      if (isIP(named) === 0) break
      address = named
    }
    return networkOf(address)
  }
}

function trustedBy(trust: NonNullable<TrustProxy>): (address: string, hop: number) => boolean {
  if ('hops' in trust) return (_, hop) => hop < trust.hops
  const list = new BlockList()
  for (const network of trust.networks) {
    const [address = '', prefix] = network.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return (address) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/** An address without what stands around it: a port, brackets, or the form that IPv4 has in IPv6. */
function plain(text: string): string {
  const trimmed = text.trim()
  const bracketed = /^\[([^\]]{2,45})\](?::\d{1,5})?$/.exec(trimmed)?.[1]
  const address = bracketed ?? (/^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/.exec(trimmed)?.[1] || trimmed)
  return address.toLowerCase().startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

function networkOf(address: string): string {
  const own = plain(address)
  if (!isIPv6(own)) return own
  const [head = '', tail] = own.split('%', 1)[0]?.toLowerCase().split('::') ?? []
  const groups = head === '' ? [] : head.split(':')
  // Where `::` stands for zeroes, as many as are missing; an address within it takes two places.
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = 8 - groups.length - after.length - (after.at(-1)?.includes('.') === true ? 1 : 0)
  const all = tail === undefined ? groups : [...groups, ...Array.from({ length: missing }, () => '0'), ...after]
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
