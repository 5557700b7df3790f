import openapiTypescript, { astToString } from 'openapi-typescript'

/** The types of an OpenAPI document, as openapi-typescript makes them. Here, beside the only TypeScript that it can use. */
export async function makeTypes(document: object): Promise<string> {
  // A document of ours is what the library takes; its own type for one has `any` in it.
  return astToString(await openapiTypescript(JSON.stringify(document), { silent: true, emptyObjectsUnknown: true }))
}
