/** Kubernetes' quantities (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/), exact: a fraction. */
export class Quantity {
  readonly numerator: bigint
  /** Above 0. */
  readonly denominator: bigint

  constructor(numerator: bigint, denominator: bigint) {
    this.numerator = numerator
    this.denominator = denominator
  }

  compareTo(other: Quantity): bigint {
    const difference = this.numerator * other.denominator - other.numerator * this.denominator
    return difference > 0n ? 1n : difference < 0n ? -1n : 0n
  }

  plus(other: Quantity): Quantity {
    return new Quantity(this.numerator * other.denominator + other.numerator * this.denominator, this.denominator * other.denominator)
  }

  negated(): Quantity {
    return new Quantity(-this.numerator, this.denominator)
  }

  sign(): bigint {
    return this.compareTo(new Quantity(0n, 1n))
  }

  asInteger(): bigint | null {
    return this.numerator % this.denominator === 0n ? this.numerator / this.denominator : null
  }

  asDouble(): number {
    return Number(this.numerator) / Number(this.denominator)
  }
}

const suffixes: { readonly [suffix: string]: readonly [bigint, bigint] } = {
  '': [1n, 1n],
  n: [1n, 10n ** 9n],
  u: [1n, 10n ** 6n],
  m: [1n, 1_000n],
  k: [10n ** 3n, 1n],
  M: [10n ** 6n, 1n],
  G: [10n ** 9n, 1n],
  T: [10n ** 12n, 1n],
  P: [10n ** 15n, 1n],
  E: [10n ** 18n, 1n],
  Ki: [2n ** 10n, 1n],
  Mi: [2n ** 20n, 1n],
  Gi: [2n ** 30n, 1n],
  Ti: [2n ** 40n, 1n],
  Pi: [2n ** 50n, 1n],
  Ei: [2n ** 60n, 1n],
}

/** `500Mi`, `0.5`, `1e3`; null for anything else. Longer than anybody writes is none either: its digits are multiplied. */
export function parseQuantity(text: string): Quantity | null {
  if (text.length > 60) return null
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,2})|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?)$/.exec(text)
  if (match === null) return null
  const [, sign = '', whole = '', fraction = '', exponent, suffix = ''] = match
  if (whole === '' && fraction === '') return null
  const [times, by] = suffixes[suffix] ?? [1n, 1n]
  const power = BigInt(exponent ?? 0)
  const digits = BigInt(whole + fraction) * times * (power > 0n ? 10n ** power : 1n)
  return new Quantity(sign === '-' ? -digits : digits, by * 10n ** BigInt(fraction.length) * (power < 0n ? 10n ** -power : 1n))
}
