import type { BranchRef, Head, PathState } from './ports.ts'

/** A commit as its repository has it; nothing of it is believed. */
export type CommitOnBranch = {
  readonly sha: string
  readonly parents: number
  /** Values of the trailers `Purser-Request` and `Purser-Plan-Digest`. */
  readonly requests: readonly string[]
  readonly planDigests: readonly string[]
  /** What it changes against its parent; of very many the first thousand. None of a merge. */
  readonly paths: readonly string[]
}

/** Reads GitOps branches, and never writes. All throw GitFault. */
export interface BranchHistory {
  /** Brings what is known of the branch up to date, and says where it is. */
  fetch(branch: BranchRef): Promise<Head>
  /** Commits of the history of `head`, newest first; null when there is no such commit (any more). */
  listCommits(
    branch: BranchRef,
    head: string,
    range: { readonly skip: number; readonly limit: number },
  ): Promise<readonly CommitOnBranch[] | null>
  /** What the trees of commits have at paths, in their order. */
  readPaths(
    branch: BranchRef,
    wanted: readonly { readonly commit: string; readonly paths: readonly string[] }[],
  ): Promise<readonly ReadonlyMap<string, PathState>[]>
  /** Which of these commits are in the history of `head`. */
  findInHistory(branch: BranchRef, head: string, commits: readonly string[]): Promise<ReadonlySet<string>>
  close(): Promise<void>
}
