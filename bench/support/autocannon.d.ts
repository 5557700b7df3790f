// The part of autocannon's API that the benches use; the package has no types of its own.
declare module 'autocannon' {
  export type Request = {
    readonly method?: string
    readonly path?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string
  }
  export type Options = {
    readonly url: string
    readonly connections: number
    readonly duration: number
    readonly method?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly requests?: readonly { readonly setupRequest: (request: Request) => Request }[]
  }
  export type Result = {
    readonly duration: number
    readonly errors: number
    readonly non2xx: number
    readonly '2xx': number
    readonly latency: { readonly p50: number; readonly p99: number }
  }
  export default function autocannon(options: Options): Promise<Result>
}
