import type { IncomingMessage } from 'node:http'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressReader, type TrustProxy } from '../../src/faces/http/client-address.ts'

function addressOf(trust: TrustProxy, peer: string, forwarded?: string): string {
  const request = { socket: { remoteAddress: peer }, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } }
  return addressReader(trust)(request as unknown as IncomingMessage) // As much of a request as is read.
}

const inside: TrustProxy = { networks: ['10.0.0.0/8', 'fd00::/8', '192.0.2.7'] }

describe('the address of a client', () => {
  test.each<[reason: string, trust: TrustProxy, peer: string, forwarded: string | undefined, address: string]>([
    ['the peer', null, '203.0.113.9', undefined, '203.0.113.9'],
    ['nobody is believed where nobody is named', null, '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['IPv4 in the form of IPv6', null, '::ffff:203.0.113.9', undefined, '203.0.113.9'],
    ['of IPv6 the network', null, '2001:db8:1:2:3:4:5:6', undefined, '2001:db8:1:2::/64'],
    ['however it is written', null, '2001:0db8:0001:0002::1', undefined, '2001:db8:1:2::/64'],
    ['zeroes within the network', null, '2001:db8::1', undefined, '2001:db8:0:0::/64'],
    ['with a zone', null, 'fe80::1%eth0', undefined, 'fe80:0:0:0::/64'],
    ['the loopback', null, '::1', undefined, '0:0:0:0::/64'],
    ['whom a trusted proxy names', inside, '10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['whom a proxy names that nobody trusts', inside, '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['what the client wrote before', inside, '10.1.2.3', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
    ['behind several proxies', inside, '10.1.2.3', '1.1.1.1, 198.51.100.1, 192.0.2.7, fd00::1', '198.51.100.1'],
    ['proxies all the way', inside, '10.1.2.3', '10.9.9.9', '10.9.9.9'],
    ['a proxy that names nobody', inside, '10.1.2.3', undefined, '10.1.2.3'],
    ['what is no address', inside, '10.1.2.3', 'unknown', '10.1.2.3'],
    ['what is no address before', inside, '10.1.2.3', 'unknown, 10.4.4.4', '10.4.4.4'],
    ['with a port', inside, '10.1.2.3', '198.51.100.1:4711', '198.51.100.1'],
    ['IPv6 with a port', inside, '10.1.2.3', '[2001:db8:1:2::3]:4711', '2001:db8:1:2::/64'],
    ['one hop', { hops: 1 }, '203.0.113.9', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
    ['two hops', { hops: 2 }, '203.0.113.9', '1.1.1.1, 198.51.100.1', '1.1.1.1'],
    ['fewer than there are hops', { hops: 3 }, '203.0.113.9', '198.51.100.1', '198.51.100.1'],
  ])('%s', (_, trust, peer, forwarded, address) => {
    expect(addressOf(trust, peer, forwarded)).toBe(address)
  })

  test('is never what a stranger wrote into a header', () => {
    fc.assert(
      fc.property(fc.string(), (forged) => {
        expect(addressOf(inside, '203.0.113.9', forged)).toBe('203.0.113.9')
        expect(addressOf(inside, '10.1.2.3', `${forged}, 198.51.100.1`)).toBe('198.51.100.1')
      }),
    )
  })

  test('two addresses of one /64 are one, two of two are two', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const { hostname } = new URL(`http://[${address}]`)
        const whole = addressOf(null, address)

        expect(addressOf(null, hostname.slice(1, -1))).toBe(whole)
        expect(whole).toMatch(/^([0-9a-f]{1,4}:){4}:\/64$/)
      }),
    )
  })
})
