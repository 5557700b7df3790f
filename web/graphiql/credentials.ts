/** Who asks. It lives as long as the tab does, in its session storage; never in an address, a cookie or a query's history. */
export type Credentials = { readonly token: string; readonly onBehalfOf: string }

const keys = { token: 'purser:token', onBehalfOf: 'purser:on-behalf-of' } as const

export function readCredentials(): Credentials {
  return { token: sessionStorage.getItem(keys.token) ?? '', onBehalfOf: sessionStorage.getItem(keys.onBehalfOf) ?? '' }
}

export function keepCredentials(credentials: Credentials): void {
  for (const name of ['token', 'onBehalfOf'] as const) {
    const value = credentials[name].trim()
    if (value === '') sessionStorage.removeItem(keys[name])
    else sessionStorage.setItem(keys[name], value)
  }
}

/** As headers of HTTP. Names are lower-case, as they are in the first message of a WebSocket. */
export function credentialHeaders({ token, onBehalfOf }: Credentials): Record<string, string> {
  return {
    ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
    ...(onBehalfOf === '' ? {} : { 'purser-on-behalf-of': onBehalfOf }),
  }
}
