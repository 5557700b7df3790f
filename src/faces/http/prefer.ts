/** Longer waits run into the time limits of proxies. */
const MAX_WAIT_S = 30

/** The seconds that `Prefer: wait=10` asks for (RFC 7240, 4.3), at most 30; null when it asks for none. What is not understood is passed over. */
export function parseWait(header: string | readonly string[] | undefined): number | null {
  for (const preference of String(header ?? '').split(',')) {
    const [name = '', value = ''] = (preference.split(';')[0] ?? '').split('=').map((part) => part.trim())
    const seconds = /^"?(\d{1,9})"?$/.exec(value)?.[1]
    if (name.toLowerCase() === 'wait' && seconds !== undefined) return Math.min(Number(seconds), MAX_WAIT_S)
  }
  return null
}
