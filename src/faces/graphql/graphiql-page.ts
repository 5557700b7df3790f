import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { problemDocument } from '../../core/problem.ts'

/**
 * What the page may do: run and ask what comes from here, nothing else. The editor puts style sheets of its own making and
 * style attributes into the page (themes, the place of each line), hence the one relaxation; pictures in its style sheets are data.
 */
export const graphiqlPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.ttf': 'font/ttf',
  '.txt': 'text/plain; charset=utf-8',
}

/**
 * GraphiQL at /graphiql, of the files that the build made (scripts/build-graphiql.ts), for everybody: who asks is said in the page.
 * Files are read when they are asked for, and are compressed already.
 */
export function graphiqlPage(app: FastifyInstance, folder: string): void {
  const route = { schema: { hide: true } }

  app.get('/graphiql', route, async (request, reply) => {
    const bytes = await read(folder, 'index.html')
    if (bytes === null) return missing(reply)
    reply.headers({ 'content-security-policy': graphiqlPolicy, 'cache-control': 'no-cache', 'content-type': 'text/html; charset=utf-8' })
    return send(request, reply, createHash('sha256').update(bytes).digest('hex').slice(0, 16), bytes)
  })

  app.get<{ Params: { file: string } }>('/graphiql/:file', route, async (request, reply) => {
    const { file } = request.params
    const type = types[extname(file)]
    const bytes = type === undefined || !/^[\w.-]{1,100}$/.test(file) ? null : await read(folder, file)
    if (bytes === null) return missing(reply)
    // Another content has another name.
    const forever = /-[0-9A-Z]{8}\.\w+$/.test(file)
    reply.headers({ 'cache-control': forever ? 'public, max-age=31536000, immutable' : 'no-cache', 'content-type': type })
    return send(request, reply, file, bytes)
  })
}

/** Compressed; null: there is no such file, as where nothing was built. */
async function read(folder: string, name: string): Promise<Buffer | null> {
  return readFile(join(folder, `${name}.gz`)).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  })
}

async function send({ headers }: FastifyRequest, reply: FastifyReply, tag: string, compressed: Buffer): Promise<FastifyReply> {
  const etag = `W/"${tag}"`
  reply.headers({ etag, vary: 'Accept-Encoding' })
  if (headers['if-none-match']?.split(',').some((each) => each.trim() === etag) === true) return reply.code(304).send()
  if (acceptsGzip(headers['accept-encoding'])) return reply.header('content-encoding', 'gzip').send(compressed)
  return reply.send(await promisify(gunzip)(compressed))
}

function acceptsGzip(header: string | string[] | undefined): boolean {
  return [header ?? '']
    .flat()
    .join(',')
    .split(',')
    .some((each) => /^gzip(;q=(1(\.0{1,3})?|0\.\d{0,2}[1-9]))?$/.test(each.replaceAll(' ', '').toLowerCase()))
}

function missing(reply: FastifyReply): FastifyReply {
  const bytes = Buffer.from(JSON.stringify(problemDocument({ code: 'not-found' })))
  return reply.code(404).header('content-type', 'application/problem+json').send(bytes)
}
