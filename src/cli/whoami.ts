import { isObject } from '../core/json.ts'
import { print, refused, type Context } from './context.ts'
import type { CredentialSource } from './credential.ts'
import { exits } from './io.ts'
import { notThe } from './pages.ts'
import { readSignIn, signInFolder } from './sign-in-file.ts'
import { field, paragraphs, type View } from './text.ts'

export type MeAnswer = {
  readonly subject: string
  readonly kind: string
  readonly email?: string | null
  readonly via?: string | null
  readonly scopes: readonly string[]
  readonly platformRoles: readonly string[]
  readonly teams: readonly { readonly name: string; readonly role: string }[]
  /** What was shown to the server; an older one does not tell. */
  readonly credential?: { readonly kind: string; readonly id?: string | null; readonly expiresAt?: string | null }
}

type Whoami = MeAnswer & {
  readonly server: string
  readonly signIn: {
    readonly from: CredentialSource
    readonly issuer: string | null
    /** Of what was shown now. */
    readonly until: string | null
    /** Whether the issuer gives the next one without being asked by a person. */
    readonly renewed: boolean
  }
}

/** `purser whoami`: whom the server sees, and what they may do where. */
export async function whoami(context: Context): Promise<number> {
  const { io, settings } = context
  const answer = await context.call({ method: 'GET', path: '/v1/me', repeatable: true })
  if (!answer.ok) return await refused(context, answer.refusal)
  const me = asMe(answer.body)
  const { from } = settings.credential
  const kept = from === 'sign-in' ? readSignIn(signInFolder(io), settings.url) : null
  const signIn = kept !== null && kept.ok ? kept.value : null
  const shown: Whoami = {
    ...me,
    server: settings.url,
    signIn: {
      from,
      issuer: signIn?.issuer ?? null,
      until: me.credential?.expiresAt ?? signIn?.expiresAt ?? null,
      renewed: signIn !== null && signIn.refreshToken !== null,
    },
  }
  await print(context, shown, renderWhoami)
  return exits.reached
}

function renderWhoami(me: Whoami, view: View): string {
  return paragraphs(
    view.paint('bold', me.subject) + (me.kind === 'person' ? '' : ` (${me.kind.replace('-', ' ')})`),
    field('Server', me.server, view),
    field('Through', me.via, view),
    describeStanding(me, view),
    field('May', me.scopes.join(', '), view),
    field('By', describeCredential(me), view),
  )
}

/** Roles, first those in the platform. */
export function describeStanding({ platformRoles, teams }: Pick<MeAnswer, 'platformRoles' | 'teams'>, view: View): string {
  const roles = teams.map(({ name, role }) => `${role} of ${name}`)
  return paragraphs(
    field('Platform', platformRoles.join(', '), view),
    field('Teams', roles.length === 0 ? 'in none yet: their owners add you, by your e-mail or a group of yours' : roles.join(', '), view),
  )
}

const sources: { readonly [S in CredentialSource]: string } = {
  'sign-in': 'purser login',
  PURSER_TOKEN: 'the token in PURSER_TOKEN',
  job: 'the identity of this job',
  installation: 'the administrator’s token of this machine',
  nothing: 'nothing',
}

function describeCredential({ signIn, credential }: Whoami): string {
  return [
    sources[signIn.from] + (signIn.issuer === null ? '' : ` at ${signIn.issuer}`),
    credential?.id ?? null,
    signIn.until === null ? null : `until ${signIn.until}${signIn.renewed ? ', then renewed by itself' : ''}`,
  ]
    .filter((part) => part !== null)
    .join(', ')
}

/** Checked as far as a wrong server or another version would show. */
export function asMe(body: unknown): MeAnswer {
  if (!isObject(body) || typeof body.subject !== 'string' || !Array.isArray(body.teams) || !Array.isArray(body.platformRoles))
    throw notThe('caller')
  return body as MeAnswer // As above.
}
