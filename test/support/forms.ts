export type Shown = { readonly url: string; readonly text: string }

/**
 * What a person does in a browser, over HTTP: opens an address, fills in the forms of the test's issuer as `login` until none
 * is left, and sees the last page. A login of null says no.
 */
export async function fillForms(address: string, login: string | null): Promise<Shown> {
  const cookies = new Map<string, string>()
  let page = await visit(cookies, address)
  for (let step = 0; step < 8; step += 1) {
    const form = /<form[^>]*>/.exec(page.text)?.[0]
    if (form === undefined || page.text.includes('Try again')) return page
    const fields = page.text.includes('name="login"') ? loginFields(login) : hiddenFields(page.text)
    page = await visit(cookies, new URL(/action="([^"]+)"/.exec(form)?.[1] ?? page.url, page.url).href, fields)
  }
  throw new Error(`no end of forms: ${page.url} ${page.text}`)
}

function loginFields(login: string | null): URLSearchParams {
  return new URLSearchParams(login === null ? { deny: '1' } : { login })
}

/** The form that confirms a code has a button besides. */
function hiddenFields(text: string): URLSearchParams {
  const fields = new URLSearchParams(text.includes('name="confirm"') ? {} : { confirm: 'yes' })
  for (const [input] of text.matchAll(/<input[^>]*>/g)) {
    const [name, value] = [/name="([^"]+)"/.exec(input)?.[1], /value="([^"]*)"/.exec(input)?.[1] ?? '']
    if (name !== undefined) fields.set(name, value)
  }
  return fields
}

async function visit(cookies: Map<string, string>, address: string, body?: URLSearchParams): Promise<Shown> {
  let url = address
  let sent = body
  for (let hop = 0; hop < 20; hop += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { cookie },
      ...(sent === undefined ? {} : { method: 'POST', body: sent }),
    })
    for (const set of answer.headers.getSetCookie()) {
      const [pair = ''] = set.split(';')
      cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
    }
    const next = answer.headers.get('location')
    if (next === null) return { url, text: await answer.text() }
    url = new URL(next, url).href
    sent = undefined
  }
  throw new Error(`no end of redirects: ${url}`)
}
