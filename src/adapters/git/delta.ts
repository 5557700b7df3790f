/**
 * What to do to one version of a directory to get the next (gitformat-pack(5), "Deltified representation"): keep the
 * beginning, put in what is new, keep the end. One commit changes one place of a directory, so that is all there is to find;
 * null where it would save nothing.
 */
export function encodeDelta(base: Buffer, target: Buffer): Buffer | null {
  const shorter = Math.min(base.length, target.length)
  const start = commonStart(base, target, shorter)
  const end = commonEnd(base, target, shorter - start)
  const middle = target.subarray(start, target.length - end)
  if (middle.length * 2 > target.length || target.length < MIN_TARGET) return null
  const out = Buffer.allocUnsafe(MAX_INSTRUCTIONS * Math.ceil((base.length + 1) / MAX_COPY) + middle.length * 2 + MAX_INSTRUCTIONS)
  let at = putVarint(out, 0, base.length)
  at = putVarint(out, at, target.length)
  at = putCopies(out, at, 0, start)
  at = putInserts(out, at, middle)
  at = putCopies(out, at, base.length - end, end)
  return out.subarray(0, at)
}

const MIN_TARGET = 128
/** What one instruction can copy, and insert. */
const MAX_COPY = 0x10000
const MAX_INSERT = 127
/** More than two copies, or the two sizes, can take. */
const MAX_INSTRUCTIONS = 32
/** Compared at once, before a difference is looked for byte by byte. */
const STRIDE = 1_024

function commonStart(a: Buffer, b: Buffer, limit: number): number {
  let at = 0
  while (at + STRIDE <= limit && a.compare(b, at, at + STRIDE, at, at + STRIDE) === 0) at += STRIDE
  while (at < limit && a[at] === b[at]) at++
  return at
}

function commonEnd(a: Buffer, b: Buffer, limit: number): number {
  const [ofA, ofB] = [a.length, b.length]
  let from = 0
  while (from + STRIDE <= limit && a.compare(b, ofB - from - STRIDE, ofB - from, ofA - from - STRIDE, ofA - from) === 0) from += STRIDE
  while (from < limit && a[ofA - from - 1] === b[ofB - from - 1]) from++
  return from
}

/** Each writes at `at`, and answers where it ended. */
function putVarint(out: Buffer, at: number, value: number): number {
  let end = at
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) out[end++] = (rest & 0x7f) | 0x80
  out[end++] = rest
  return end
}

/** A byte that says which bytes of offset and size follow; bytes of zero are left out, and a size of 65,536 is no byte. */
function putCopies(out: Buffer, at: number, from: number, length: number): number {
  let end = at
  for (let done = 0; done < length; done += MAX_COPY) {
    const size = Math.min(MAX_COPY, length - done)
    const flagsAt = end++
    let flags = 0x80
    const put = (byte: number, flag: number) => {
      if (byte === 0) return
      out[end++] = byte
      flags |= flag
    }
    for (let i = 0; i < 4; i++) put(((from + done) >>> (8 * i)) & 0xff, 1 << i)
    for (let i = 0; i < 2; i++) put((size >>> (8 * i)) & 0xff, 0x10 << i)
    out[flagsAt] = flags
  }
  return end
}

function putInserts(out: Buffer, at: number, bytes: Buffer): number {
  let end = at
  for (let done = 0; done < bytes.length; done += MAX_INSERT) {
    const piece = bytes.subarray(done, done + MAX_INSERT)
    out[end++] = piece.length
    end += piece.copy(out, end)
  }
  return end
}
