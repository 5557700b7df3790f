import type { Fetcher, FetcherParams } from '@graphiql/toolkit'
import { Kind, parse, type OperationDefinitionNode } from 'graphql'
import { credentialHeaders, readCredentials } from './credentials.ts'

/** Asks the server that this page is from: over HTTP, and for subscriptions over a WebSocket. */
export const ask: Fetcher = async (params) => {
  const operations = operationsOf(params.query)
  // Just after another tab was opened GraphiQL still has the name of the operation in the one before.
  const named = operations.find(({ name }) => name?.value === params.operationName)
  const question = { ...params, operationName: named?.name?.value ?? null }
  return (named ?? operations[0])?.operation === 'subscription' ? follow(question) : post(question)
}

function operationsOf(query: string): readonly OperationDefinitionNode[] {
  try {
    return parse(query).definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION)
  } catch {
    // The server says what is wrong with it.
    return []
  }
}

/** A refusal before any query is an answer of GraphQL too, and is shown as one. */
async function post({ query, variables, operationName }: FetcherParams) {
  const response = await fetch(new URL('graphql', document.baseURI), {
    method: 'POST',
    headers: {
      accept: 'application/graphql-response+json, application/json;q=0.9',
      'content-type': 'application/json',
      ...credentialHeaders(readCredentials()),
    },
    body: JSON.stringify({ query, variables, operationName }),
    credentials: 'omit',
    redirect: 'error',
  })
  return response.json()
}

/** A connection for each, since who asks is said at its beginning; it is closed when it is stopped. */
async function follow({ query, variables, operationName }: FetcherParams) {
  const { createClient } = await import('graphql-ws')
  const url = new URL('graphql', document.baseURI)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const client = createClient({ url: url.href, connectionParams: () => credentialHeaders(readCredentials()) })
  return client.iterate({ query, variables, operationName })
}
