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
  const four = parseIpv4(text)
  if (four !== null) return new Ip(4, four, text)
  // Zones mean something to one machine only, and Kubernetes takes no IPv4 inside IPv6.
  const six = text.includes('.') ? null : parseIpv6(text)
  return six === null ? null : new Ip(6, six, textOf(6, six))
}

/** Four numbers without leading zeros, as one; null for anything else. */
export function parseIpv4(text: string): bigint | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (match === null) return null
  const bytes = match.slice(1)
  if (bytes.some((byte) => Number(byte) > 255 || (byte.length > 1 && byte.startsWith('0')))) return null
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}

/** Eight groups of hexadecimal digits, as one; `::` stands for groups of zeros, and the last two may be an IPv4 address. */
export function parseIpv6(text: string): bigint | null {
  if (text.length > 45 || !/^[0-9A-Fa-f:.]+$/.test(text)) return null
  const parts = text.split('::')
  const [head = '', tail] = parts
  if (parts.length > 2) return null
  const first = groupsOf(head, tail === undefined)
  const last = tail === undefined ? [] : groupsOf(tail, true)
  if (first === null || last === null) return null
  const zeros = 8 - first.length - last.length
  if (tail === undefined ? zeros !== 0 : zeros < 1) return null
  return [...first, ...Array.from({ length: zeros }, () => 0n), ...last].reduce((sum, group) => (sum << 16n) | group, 0n)
}

/** The groups between colons. `atEnd`: the last may be an IPv4 address, which is two of them. */
function groupsOf(text: string, atEnd: boolean): readonly bigint[] | null {
  if (text === '') return []
  const words = text.split(':')
  const groups: bigint[] = []
  for (const [i, word] of words.entries()) {
    const four = atEnd && i === words.length - 1 && word.includes('.') ? parseIpv4(word) : null
    if (four !== null) groups.push(four >> 16n, four & 0xffffn)
    else if (/^[0-9A-Fa-f]{1,4}$/.test(word)) groups.push(BigInt(`0x${word}`))
    else return null
  }
  return groups
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
