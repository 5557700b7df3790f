import type { FastifyInstance } from 'fastify'
import type { Problem } from '../../core/problem.ts'

export type TableRoute = { readonly method: string; readonly url: string }

/** Every route that was registered (HEAD goes without saying where there is GET), for 405 answers and for tests that leave none out. */
export class RouteTable {
  readonly routes: TableRoute[] = []

  /** Must be called before the first route is registered. */
  record(app: FastifyInstance): void {
    app.addHook('onRoute', ({ method, url }) => {
      for (const each of [method].flat()) if (each !== 'HEAD') this.routes.push({ method: each, url })
    })
  }

  /** Why there is no route for this: no such path, or not with this method. */
  missing(method: string, requestUrl: string): Problem {
    const path = requestUrl.replace(/[?#].*$/s, '').split('/')
    const allowed = this.routes.filter(({ url }) => covers(url.split('/'), path)).map((route) => route.method)
    if (allowed.length === 0) return { code: 'not-found' }
    return {
      code: 'method-not-allowed',
      method,
      allowed: [...new Set(allowed.flatMap((each) => (each === 'GET' ? ['GET', 'HEAD'] : [each])))],
    }
  }
}

function covers(pattern: readonly string[], path: readonly string[]): boolean {
  if (pattern.length !== path.length) return false
  return pattern.every((part, i) => (part.startsWith(':') ? path[i] !== '' : part === path[i]))
}
