import type { EnvironmentDocument } from './document/environment.ts'
import type { FieldError } from './problem.ts'
import { checkRepository } from './repository.ts'

/**
 * Where an environment puts a team's objects: a folder in a repository, and a namespace. Both are patterns in which only
 * `${team.name}` stands for something, so that whether two places can ever meet is decided when a document is applied
 * and not when a commit is made.
 */

const teamName = '${team.name}'

/** With the defaults filled in, and the patterns as they are written. */
export type Place = { readonly repository: string; readonly branch: string; readonly path: string; readonly namespace: string }

/** The name that the embedded repository has in the API. */
export const embeddedRepository = 'embedded'

export function placeOf({ spec }: EnvironmentDocument): Place {
  const { repository = embeddedRepository, branch = 'main', path } = spec.gitops
  return { repository, branch, path, namespace: spec.namespace }
}

/** A pattern with the team's name in it. */
export function forTeam(pattern: string, team: string): string {
  return pattern.replaceAll(teamName, team)
}

/** What is wrong with a place by itself. */
export function checkPlace(document: EnvironmentDocument, allowFileRepositories: boolean): readonly FieldError[] {
  const { spec } = document
  const { branch, path } = spec.gitops
  return [
    ...checkRepository(document, allowFileRepositories),
    ...(branch === undefined ? [] : checkBranch(branch)),
    ...checkPath(path),
    ...checkNamespace(spec.namespace),
  ]
}

/** Narrower than git's own rules for references. */
function checkBranch(branch: string): readonly FieldError[] {
  // Of these two, git makes something else than a branch of that name.
  const reserved = branch === 'HEAD' || branch.startsWith('refs/')
  const fits =
    !reserved &&
    branch
      .split('/')
      .every((part) => /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(part) && !part.includes('..') && !part.endsWith('.') && !part.endsWith('.lock'))
  return fits
    ? []
    : [{ pointer: '/spec/gitops/branch', detail: 'must be a branch name of letters, digits and . _ - /, and neither HEAD nor below refs/' }]
}

function checkPath(path: string): readonly FieldError[] {
  const pointer = '/spec/gitops/path'
  const segments = path.split('/')
  if (path.startsWith('/') || path.endsWith('/') || segments.includes(''))
    return [{ pointer, detail: 'must be relative, without an empty segment' }]
  // No leading dot: neither `..` nor `.git`, in no spelling that a file system takes for it.
  const wrong = segments.find((segment) => segment !== teamName && !/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(segment))
  if (wrong !== undefined)
    return [
      { pointer, detail: `has the segment ${wrong}; a segment is ${teamName}, or letters, digits and . _ - and does not begin with a dot` },
    ]
  return segments.includes(teamName) ? [] : [{ pointer, detail: `must contain ${teamName} as a whole segment` }]
}

function checkNamespace(namespace: string): readonly FieldError[] {
  const pointer = '/spec/namespace'
  // `x` is the shortest that a team's name can be; the longest are checked against the teams that there are.
  return isLabel(forTeam(namespace, 'x'))
    ? []
    : [{ pointer, detail: `must be a namespace: lower-case letters, digits and -, with ${teamName} where the team's name goes` }]
}

/** A DNS label as Kubernetes wants it, but for its length. */
function isLabel(text: string): boolean {
  return /^[a-z0-9-]+$/.test(text) && !text.startsWith('-') && !text.endsWith('-')
}

export const maxNamespace = 63

/** Whether a folder of one place could be, or lie in, a folder of the other, whatever the teams are called. */
export function overlap(a: Place, b: Place): boolean {
  if (a.repository !== b.repository || a.branch !== b.branch) return false
  const [long, short] = [a.path.split('/'), b.path.split('/')].sort((x, y) => y.length - x.length)
  return (short ?? []).every((segment, i) => couldBeEqual(segment, long?.[i] ?? ''))
}

function couldBeEqual(a: string, b: string): boolean {
  if (a === b) return true
  if (a === teamName) return b.length <= 63 && isLabel(b)
  return b === teamName && couldBeEqual(b, a)
}
