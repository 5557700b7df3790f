import type { Fetcher } from '@graphiql/toolkit'
import { credentialHeaders, readCredentials } from './credentials.ts'

/** Asks the server that this page is from. A refusal before any query is an answer of GraphQL too, and is shown as one. */
export const ask: Fetcher = async ({ query, variables, operationName }) => {
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
