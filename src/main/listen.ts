import type { Config } from '../config.ts'
import type { HttpApp } from '../faces/http/http-app.ts'

/** Listens, and answers at which address; what keeps it from that is told in words that name the variable to change. */
export async function listen(
  app: HttpApp,
  { host }: Config,
  { variable, port }: { readonly variable: string; readonly port: number },
): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (cause) {
    switch (cause instanceof Error && 'code' in cause ? cause.code : null) {
      case 'EADDRINUSE':
        throw new Error(`Port ${port} of ${host} is taken by another program. Stop that one, or set ${variable}.`, { cause })
      case 'EACCES':
        throw new Error(`Port ${port} of ${host} is not for this user. Set ${variable} to one above 1023.`, { cause })
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
        throw new Error(`This machine has no address ${host}. Set HOST to one that it has.`, { cause })
      default:
        throw cause
    }
  }
}
