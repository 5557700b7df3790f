import { isIP } from 'node:net'

/** Addresses and ranges as rules compute with them; four bytes or sixteen, as one number. */
export class Ip {
  readonly family: 4 | 6
  readonly value: bigint
  readonly text: string

  constructor(family: 4 | 6, value: bigint, text: string) {
    this.family = family
    this.value = value
    this.text = text
  }

  isIn(range4: string, range6: string): boolean {
    return parseCidr(this.family === 4 ? range4 : range6)?.containsIp(this) === true
  }

  toString(): string {
    return this.text
  }
}

export class Cidr {
  readonly ip: Ip
  readonly bits: number

  constructor(ip: Ip, bits: number) {
    this.ip = ip
    this.bits = bits
  }

  containsIp(address: Ip): boolean {
    return address.family === this.ip.family && prefix(address, this.bits) === prefix(this.ip, this.bits)
  }

  containsCidr(other: Cidr): boolean {
    return other.bits >= this.bits && this.containsIp(other.ip)
  }

  masked(): Cidr {
    const rest = BigInt(width(this.ip) - this.bits)
    const value = (this.ip.value >> rest) << rest
    return new Cidr(new Ip(this.ip.family, value, textOf(this.ip.family, value)), this.bits)
  }

  toString(): string {
    return `${this.ip.toString()}/${this.bits}`
  }
}

function width({ family }: Ip): number {
  return family === 4 ? 32 : 128
}

function prefix(ip: Ip, bits: number): bigint {
  return ip.value >> BigInt(width(ip) - bits)
}

export function parseIp(text: string): Ip | null {
  const family = isIP(text)
  if (family === 4) return new Ip(4, bytesOf4(text), text)
  // Zones mean something to one machine only, and Kubernetes takes no IPv4 inside IPv6.
  if (family !== 6 || text.includes('%') || text.includes('.')) return null
  const [head = '', tail] = text.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const [first, last] = [groups(head), tail === undefined ? [] : groups(tail)]
  const all = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => '0'), ...last]
  const value = all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
  return new Ip(6, value, textOf(6, value))
}

function bytesOf4(text: string): bigint {
  return text.split('.').reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}

/** As Go writes it: the longest run of zeros is `::`. */
function textOf(family: 4 | 6, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.')
  return new URL(
    `http://[${Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(':')}]`,
  ).hostname.slice(1, -1)
}

export function parseCidr(text: string): Cidr | null {
  const [address = '', bits = '', ...more] = text.split('/')
  const ip = parseIp(address)
  if (ip === null || more.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(bits) || Number(bits) > width(ip)) return null
  return new Cidr(ip, Number(bits))
}
