import { isObject } from '../core/json.ts'
import { notThe, pagesOf } from './pages.ts'

/** What the command reads of the API's answers about service accounts and their tokens. See `answers.ts`. */
export type ServiceAccountAnswer = {
  readonly name: string
  readonly team: string
  readonly description: string
  readonly createdAt: string
  readonly createdBy: string
}

export type TokenAnswer = {
  readonly id: string
  readonly prefix: string | null
  readonly scopes: readonly string[]
  readonly impersonateTeams: readonly string[]
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly lastUsedAt: string | null
  readonly revokedAt: string | null
  readonly replacedBy: string | null
  readonly warnings: readonly string[]
}

export type CreatedTokenAnswer = TokenAnswer & { readonly token: string }

function isAccount(item: unknown): boolean {
  return isObject(item) && typeof item.name === 'string' && typeof item.team === 'string'
}

function isToken(item: unknown): boolean {
  return isObject(item) && typeof item.id === 'string' && Array.isArray(item.scopes) && Array.isArray(item.warnings)
}

export const asAccountPage = pagesOf<ServiceAccountAnswer>('list of service accounts', isAccount)
export const asTokenPage = pagesOf<TokenAnswer>('list of tokens', isToken)

export function asAccount(body: unknown): ServiceAccountAnswer {
  if (!isAccount(body)) throw notThe('service account')
  return body as ServiceAccountAnswer // Checked as far as a wrong server or another version would show; so is the next.
}

export function asCreatedToken(body: unknown): CreatedTokenAnswer {
  if (!isToken(body) || !isObject(body) || typeof body.token !== 'string') throw notThe('token')
  return body as CreatedTokenAnswer
}
