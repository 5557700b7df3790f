import type { FastifyRequest } from 'fastify'
import { getOperationAST, type DocumentNode, type OperationDefinitionNode } from 'graphql'
import { isObject } from '../../core/json.ts'
import { Refusal } from './refusal.ts'

/** GraphQL over HTTP: what a request asks for. */
export type OperationInput = {
  readonly query: string
  readonly operationName: string | null
  readonly variables: Readonly<Record<string, unknown>>
}

export function readOperation(request: Pick<FastifyRequest, 'method' | 'body' | 'query'>): OperationInput {
  if (request.method === 'GET') {
    const { query, operationName, variables, extensions } = isObject(request.query) ? request.query : {}
    return parse({ query, operationName, variables: parseText('variables', variables), extensions: parseText('extensions', extensions) })
  }
  const { body } = request
  if (Array.isArray(body)) throw malformed('One operation at a time: a list of them is not possible here.')
  if (!isObject(body)) throw malformed('The body is a JSON object with the query: {"query": "{ me { subject } }"}')
  return parse(body)
}

/** The operation that is meant. Throws where it is not said, so that nothing is executed that was not judged. */
export function findOperation(document: DocumentNode, operationName: string | null): OperationDefinitionNode {
  const operation = getOperationAST(document, operationName)
  if (operation === null || operation === undefined) throw malformed('operationName does not say which of the operations is meant.')
  return operation
}

function parse({ query, operationName, variables, extensions }: Readonly<Record<string, unknown>>): OperationInput {
  if (typeof query !== 'string' || query === '') throw malformed('query is the text of an operation.')
  if (!isNothing(operationName) && typeof operationName !== 'string') throw malformed('operationName is the name of an operation.')
  if (!isNothing(variables) && !isObject(variables)) throw malformed('variables is an object: name and value of each.')
  if (!isNothing(extensions) && !isObject(extensions)) throw malformed('extensions is an object.')
  return {
    query,
    // No operation has the empty name; in a form or a URL it is none.
    operationName: typeof operationName === 'string' && operationName !== '' ? operationName : null,
    variables: isObject(variables) ? variables : {},
  }
}

/** In a URL, what is an object comes as JSON. */
function parseText(name: string, text: unknown): unknown {
  if (typeof text !== 'string' || text === '') return text === '' ? undefined : text
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    if (error instanceof SyntaxError) throw malformed(`${name} is no JSON: ${error.message}`)
    throw error
  }
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null
}

function malformed(detail: string): Refusal {
  return new Refusal({ code: 'malformed', detail })
}
