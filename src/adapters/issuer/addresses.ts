import { lookup, type LookupAddress, type LookupOptions } from 'node:dns'
import { BlockList, isIP, isIPv4 } from 'node:net'

/**
 * Where an issuer may not be. What answers there gives out credentials of the machine itself to whoever asks, and a Trust,
 * or a discovery document, could name it. Private networks are not among them: issuers live there.
 */
const refused = new BlockList()
for (const [network, bits, family] of [
  ['0.0.0.0', 8, 'ipv4'],
  // Link-local, with the metadata services of most clouds.
  ['169.254.0.0', 16, 'ipv4'],
  // Alibaba's and Oracle's.
  ['100.100.100.200', 32, 'ipv4'],
  ['192.0.0.192', 32, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
  // Amazon's and Google's on IPv6.
  ['fd00:ec2::', 32, 'ipv6'],
  ['fd20:ce::254', 128, 'ipv6'],
] as const)
  refused.addSubnet(network, bits, family)

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether a URL's host says by itself that it is this machine: only there is plain http good enough. */
export function isLoopbackHost(hostname: string): boolean {
  const bare = bareHost(hostname)
  return bare === 'localhost' || (isIP(bare) !== 0 && isIn(loopback, bare))
}

/** Whether it may be connected to. `local`: the issuer itself is on this machine. */
export function isReachable(address: string, local: boolean): boolean {
  return !isIn(refused, address) && (local || !isIn(loopback, address))
}

/** A URL's host as a name or an address without brackets. */
export function bareHost(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

type Found = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void

/** `lookup` for a connection. What it lets through is what is connected to, so a name cannot point elsewhere a moment later. */
export function guardedLookup(local: boolean): (hostname: string, options: LookupOptions, found: Found) => void {
  return (hostname, options, found) =>
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return found(error, [])
      const [first] = addresses
      if (first === undefined || !addresses.every(({ address }) => isReachable(address, local)))
        return found(Object.assign(new Error(`${hostname} is at an address that no issuer may have`), { code: 'EACCES' }), [])
      return options.all === true ? found(null, addresses) : found(null, first.address, first.family)
    })
}
