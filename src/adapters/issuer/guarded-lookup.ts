import { lookup, type LookupAddress, type LookupOptions } from 'node:dns'
import { mayBeIssuer } from '../../core/addresses.ts'

type Found = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void

/** `lookup` for a connection. What it lets through is what is connected to, so a name cannot point elsewhere a moment later. */
export function guardedLookup(local: boolean): (hostname: string, options: LookupOptions, found: Found) => void {
  return (hostname, options, found) =>
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return found(error, [])
      const [first] = addresses
      if (first === undefined || !addresses.every(({ address }) => mayBeIssuer(address, local)))
        return found(Object.assign(new Error(`${hostname} is at an address that no issuer may have`), { code: 'EACCES' }), [])
      return options.all === true ? found(null, addresses) : found(null, first.address, first.family)
    })
}
