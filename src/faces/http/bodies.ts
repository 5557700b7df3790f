import { isUtf8 } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import { parseYamlDocuments } from '../../core/yaml.ts'
import { Refused } from './problems.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Media types of bodies, for 415 to name; JSON alone when it is not said. */
    accepts?: readonly string[]
  }
}

/** YAML had no registered name for two decades; RFC 9512 gave it the first of these. */
export const yamlTypes = ['application/yaml', 'text/yaml', 'application/x-yaml'] as const

export const jsonOrYaml = ['application/json', 'application/yaml'] as const

/** JSON as it was sent: an empty body is none, and a member of any name stays a member. Replaces Fastify's own parsers. */
export function acceptJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request: unknown, bytes: Buffer) => {
    if (bytes.length === 0) return undefined
    try {
      return JSON.parse(decode(bytes)) as unknown
    } catch (error) {
      if (error instanceof SyntaxError) throw new Refused({ code: 'malformed', detail: `The body is not JSON: ${error.message}` })
      throw error
    }
  })
}

/** Below this instance a body may be YAML too; `bodyOf` makes the body from the documents of the stream. */
export function acceptYaml(app: FastifyInstance, bodyOf: (documents: readonly unknown[]) => unknown): void {
  app.addContentTypeParser([...yamlTypes], { parseAs: 'buffer' }, async (_request: unknown, bytes: Buffer) => {
    const documents = parseYamlDocuments(decode(bytes))
    if (!documents.ok) throw new Refused({ code: 'invalid-document', errors: documents.problem })
    return bodyOf(documents.value)
  })
}

/** For places that take one document. */
export function onlyDocument(documents: readonly unknown[]): unknown {
  if (documents.length === 1) return documents[0]
  throw new Refused({ code: 'invalid-document', errors: [{ pointer: '', detail: `must be one document; there are ${documents.length}` }] })
}

/** What is no UTF-8 would silently become something else. */
function decode(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new Refused({ code: 'malformed', detail: 'The body is not UTF-8.' })
  return bytes.toString()
}
