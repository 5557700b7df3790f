import type { Problem } from '../core/problem.ts'
import type { ClaimedFile, ClaimedRequest } from '../store/deliveries.ts'
import { GitFault, type GitBranch, type Head, type PathState } from './ports.ts'

/**
 * Whether the branch has, where a request writes, what Purser put there. Whatever else stands there was put by somebody who
 * may have had a reason, so the request fails rather than writes over it, unless its author said `overwrite`.
 */
export type PathStates = ReadonlyMap<string, PathState>

/** The files of a request, and of a delete the directory, where somebody may have put more. */
export function pathsToLookAt(request: ClaimedRequest): string[] {
  return request.files.flatMap((file) => (goesWhole(request, file) ? [file.path, directoryOf(file.path)] : [file.path]))
}

/** The first thing in the way of a request; null: all is well. */
export async function findForeignChange(
  git: GitBranch,
  head: Head,
  request: ClaimedRequest,
  states: PathStates,
): Promise<Extract<Problem, { code: 'out-of-band-change' }> | null> {
  for (const file of request.files) {
    const found = foreignPath(request, file, states)
    if (found === null) continue
    const change = await lastChange(git, head, found.path)
    const by = change === null ? '' : ` The last change there is ${change.commit.slice(0, 12)} by ${change.author.name}.`
    return { code: 'out-of-band-change', path: found.path, commit: change?.commit ?? null, detail: `${found.why}.${by} ${found.remedy}` }
  }
  return null
}

/** Directories that go with all that is in them; only where `overwrite` let that pass. */
export function directoriesToClear(request: ClaimedRequest, states: PathStates): string[] {
  const directories = request.files.filter((file) => goesWhole(request, file) && foreignEntries(request, file, states).length > 0)
  return [...new Set(directories.map((file) => directoryOf(file.path)))]
}

type Found = { readonly path: string; readonly why: string; readonly remedy: string }

function foreignPath(request: ClaimedRequest, file: ClaimedFile, states: PathStates): Found | null {
  const state = states.get(file.path) ?? { kind: 'absent' }
  // A symlink or a submodule on the way is never written through, whoever wants it.
  if (state.kind === 'blocked')
    return {
      path: state.at,
      why: `${state.at} is a ${state.by} where Purser has a directory or a file`,
      remedy: 'Take it away, and ask again.',
    }
  const change = request.changes[file.change]
  if (change?.overwrite === true) return null
  const remedy =
    change?.action === 'create' ? 'Take it away, or choose another name.' : 'Put it back as it was, or ask again with overwrite.'
  const expected = file.previousDigest ?? 'absent'
  const found = state.kind === 'file' ? state.digest : state.kind
  if (found !== expected)
    return {
      path: file.path,
      why: found === 'absent' ? `${file.path} was removed by somebody else` : `${file.path} is not what Purser wrote there`,
      remedy,
    }
  const [more] = goesWhole(request, file) ? foreignEntries(request, file, states) : []
  return more === undefined
    ? null
    : {
        path: more,
        why: `${more} is not Purser's and stands in a directory that goes`,
        remedy: 'Take it away, or ask again with overwrite.',
      }
}

/** Whether the file goes because its resource does; an update that drops one file leaves the directory to the others. */
function goesWhole(request: ClaimedRequest, file: ClaimedFile): boolean {
  return request.changes[file.change]?.action === 'delete'
}

/** What else is in the directory of a resource that goes. */
function foreignEntries(request: ClaimedRequest, { path }: ClaimedFile, states: PathStates): string[] {
  const directory = states.get(directoryOf(path))
  if (directory?.kind !== 'directory') return []
  const own = new Set(request.files.map((file) => file.path))
  return directory.entries.filter((entry) => !own.has(entry))
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

/** Who it was is good to know and no more: a long history that git does not get through in time is no reason to wait. */
async function lastChange(git: GitBranch, head: Head, path: string): ReturnType<GitBranch['lastChange']> {
  if (head === null) return null
  try {
    return await git.lastChange(head, path)
  } catch (error) {
    if (error instanceof GitFault) return null
    throw error
  }
}
