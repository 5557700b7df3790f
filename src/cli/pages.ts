import { isObject } from '../core/json.ts'
import { Unreachable, type Refusal } from './client.ts'
import type { Context } from './context.ts'

/** The most that the server gives on one page. */
const LARGEST_PAGE = 200
const DEFAULT_PAGE = 50

export type PageOptions = { readonly first?: number; readonly all?: boolean }

export type Page<T> = {
  readonly items: readonly T[]
  readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean }
}

export type Filter = readonly (readonly [string, string | undefined])[]

export type Listed<T> = { readonly ok: true; readonly page: Page<T> } | { readonly ok: false; readonly refusal: Refusal }

/** Page after page of a list, until there are as many as were asked for. `read` looks at one page's answer. */
export async function readPages<T>(
  context: Context,
  path: string,
  filter: Filter,
  options: PageOptions,
  read: (body: unknown) => Page<T>,
): Promise<Listed<T>> {
  const items: T[] = []
  let pageInfo: Page<T>['pageInfo'] = { endCursor: null, hasNextPage: true }
  const wanted = options.all === true ? Number.POSITIVE_INFINITY : (options.first ?? DEFAULT_PAGE)
  const given = filter.flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]))
  while (pageInfo.hasNextPage && items.length < wanted) {
    const query = new URLSearchParams([...given, ['first', String(Math.min(wanted - items.length, LARGEST_PAGE))]])
    if (pageInfo.endCursor !== null) query.set('after', pageInfo.endCursor)
    const answer = await context.call({ method: 'GET', path: `${path}?${query.toString()}`, repeatable: true })
    if (!answer.ok) return answer
    const page = read(answer.body)
    items.push(...page.items)
    pageInfo = page.items.length === 0 ? { ...page.pageInfo, hasNextPage: false } : page.pageInfo
  }
  return { ok: true, page: { items, pageInfo } }
}

/** A reader of pages whose items look like `T` by `looks`. */
export function pagesOf<T>(noun: string, looks: (item: unknown) => boolean): (body: unknown) => Page<T> {
  return (body) => {
    if (!isObject(body) || !Array.isArray(body.items) || !body.items.every(looks) || !isObject(body.pageInfo)) throw notThe(noun)
    return body as Page<T> // Checked as far as a wrong server or another version would show.
  }
}

export function notThe(noun: string): Unreachable {
  return new Unreachable(
    `The server answered something else than the ${noun} that was asked for. Check PURSER_URL, and that command and server are of the same version.`,
    true,
  )
}
