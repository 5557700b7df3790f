/**
 * The media type to answer with: of `offers` (the preferred first) the one that an Accept header wants most, RFC 9110,
 * 12.5.1. Null: it accepts none of them.
 */
export function negotiate(accept: string | undefined, offers: readonly string[]): string | null {
  if (accept === undefined || accept === '' || accept === '*/*') return offers[0] ?? null
  const ranges = accept.split(',').map(parseRange)
  let best: { readonly offer: string; readonly quality: number } | null = null
  for (const offer of offers) {
    const quality = qualityOf(offer, ranges)
    if (quality > (best?.quality ?? 0)) best = { offer, quality }
  }
  return best?.offer ?? null
}

type Range = { readonly type: string; readonly quality: number }

function parseRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  const quality = weight === undefined ? 1 : /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(weight) ? Number(weight) : 0
  return { type, quality }
}

/** The most specific range that covers the offer decides, so `application/*;q=0.1` says nothing about a type named beside it. */
function qualityOf(offer: string, ranges: readonly Range[]): number {
  for (const covering of [offer, `${offer.slice(0, offer.indexOf('/'))}/*`, '*/*']) {
    const range = ranges.find(({ type }) => type === covering)
    if (range !== undefined) return range.quality
  }
  return 0
}
