/**
 * What operations need from the outside, as ports that adapters fill and `main` joins. A port speaks the words of the
 * house; what git, BullMQ or a network call it stays in the adapter.
 */

import { Fault, type FaultKind } from '../core/fault.ts'
import type { JsonObject } from '../core/json.ts'
import type { RepositoryAccess } from '../core/repository.ts'

/** A branch of a GitOps repository. `key` is the uuid of its row; it names the private mirror folder. */
export type BranchRef = {
  readonly key: string
  /** An absolute path, or a URL as `core/repository.ts` takes it. */
  readonly repository: string
  readonly branch: string
  /** What it names is read whenever the repository is spoken to, so that a secret can be changed at any time. */
  readonly access: RepositoryAccess
}

/** The commit (40 hex) that a branch is at; null while the branch does not exist. */
export type Head = string | null

export type Person = { readonly name: string; readonly email: string }

/**
 * One commit to build. The same plan on the same parent, signed by the same key or not at all, gives the same sha; so
 * everything in it is fixed in the database.
 */
export type CommitPlan = {
  /** The request; comes back beside the sha. */
  readonly key: string
  readonly message: string
  readonly author: Person
  readonly committer: Person
  /** Author and committer date, to the second, +0000. */
  readonly date: Date
  /** `content` null deletes. None at all is an empty commit. */
  readonly files: readonly { readonly path: string; readonly content: string | null }[]
}

export type BuiltCommit = { readonly key: string; readonly sha: string }

/** What a tree has at a path. */
export type PathState =
  | { readonly kind: 'absent' }
  /** `blob` is git's name of the content, `digest` the `sha256:…` that plans use. */
  | { readonly kind: 'file'; readonly blob: string; readonly digest: string }
  /** A directory with the paths of everything below it (full paths, in order, at most 1,000 of them). */
  | { readonly kind: 'directory'; readonly entries: readonly string[] }
  /** The entry `at` is in the way: a symlink or submodule at the path or above it, or a file above it, where a directory is needed. */
  | { readonly kind: 'blocked'; readonly at: string; readonly by: 'symlink' | 'submodule' | 'file' }

export type PushOutcome =
  | { readonly kind: 'pushed' }
  /** The branch is no longer at the expected head (moved on, moved back, gone): fetch, look again, rebuild. */
  | { readonly kind: 'non-fast-forward' }
  /** The repository's own no: a hook's words, cleaned and bounded, or git's when the hook had none. */
  | { readonly kind: 'refused'; readonly reason: string }

export type PathChange = { readonly commit: string; readonly author: Person; readonly at: Date; readonly subject: string }

/**
 * One branch, for as long as the caller holds its lock. Nothing here writes to the repository but `push`, and a mirror
 * that is lost between two calls is made anew by the next `fetch`; so every turn begins with `fetch`. All throw GitFault.
 */
export interface GitBranch {
  /** Brings the private mirror up to date and says where the branch is. */
  fetch(): Promise<Head>
  /** False too when the commit is not known at all: then nobody ever pushed it onto this history. */
  isAncestor(commit: string, head: string): Promise<boolean>
  /** Those of the commits that are in the history of `head`, by a fixed number of git processes. Unknown ones are not. */
  findInHistory(head: string, commits: readonly string[]): Promise<ReadonlySet<string>>
  /** The state of every asked path, by one git process. */
  readPaths(head: Head, paths: readonly string[]): Promise<ReadonlyMap<string, PathState>>
  /** One commit each, chained, in the private mirror only. Look at `readPaths` first: a file in the way would be replaced. */
  buildCommits(onto: Head, commits: readonly CommitPlan[]): Promise<readonly BuiltCommit[]>
  /** Moves the branch from exactly `expectedHead` to its descendant `sha`, over the transport, so that hooks run. Never backwards or sideways. */
  push(expectedHead: Head, sha: string): Promise<PushOutcome>
  /** Who touched a path last; null when nobody is found, or not in time. */
  lastChange(head: string, path: string): Promise<PathChange | null>
}

export interface GitBranches {
  /** Aborting the signal (the branch lock is lost) kills what runs, hooks of a local repository included; the call throws GitFault `again`. */
  open(branch: BranchRef, signal: AbortSignal): GitBranch
  /** Kills what still runs and waits until it is gone. */
  close(): Promise<void>
}

/** Git, its repository or the way there failed. `detail` is one line without credentials, fit for an administrator's eyes. */
export class GitFault extends Fault {
  constructor(kind: FaultKind, detail: string, options?: ErrorOptions) {
    super(kind, detail, options)
    this.name = 'GitFault'
  }
}

/** Tells workers that a branch has work. Only a hint: what is lost is found by the sweep (L8). */
export interface DeliveryHints {
  /** Returns at once, never throws; hints for one branch are coalesced. */
  deliver(branchKey: string): void
  /** Why the last hint did not reach the queue; null: it did. */
  readonly fault: string | null
  close(): Promise<void>
}

/** What a worker does. Both are called again after they threw, later. */
export type DeliveryWork = {
  /** Delivers what is claimable on a branch. The signal aborts when the worker must stop now. */
  readonly deliver: (branchKey: string, signal: AbortSignal) => Promise<'done' | { readonly retryInMs: number }>
  /** Compares what should be true with what is; runs at start and then every `sweepEveryMs`, never twice at once. */
  readonly sweep: () => Promise<void>
  readonly sweepEveryMs: number
}

export interface DeliveryWorker {
  /** Takes no more jobs, waits for the active ones up to a limit, then aborts them. */
  close(): Promise<void>
}

/** What an issuer vouches for. */
export type Vouched = {
  readonly issuer: string
  readonly subject: string
  /** Verified, in lower case, and of a domain that the issuer counts for; else null. */
  readonly email: string | null
  readonly groups: readonly string[]
  readonly expiresAt: Date
  readonly claims: JsonObject
}

export type Verdict =
  | { readonly kind: 'vouched'; readonly vouched: Vouched }
  /** `reason`: one sentence for the 401's detail, with nothing of the token in it. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Its keys were never seen, or it signs with a new one and cannot be asked. */
  | { readonly kind: 'unreachable'; readonly retryAfterS: number }

/** Who signs tokens of people and of CI jobs. */
export interface Issuers {
  /** Of the configured issuers: people. */
  verifyAccessToken(token: string): Promise<Verdict>
  /** Of any issuer and audience that a Trust names: CI jobs. */
  verifyJobToken(token: string, issuer: string, audience: string): Promise<Verdict>
  readonly configured: readonly string[]
  close(): void
}

/** What a short-lived token of Purser's own says. */
export type ShortLived = {
  readonly id: string
  /** The name of the service account that it acts as. */
  readonly serviceAccount: string
  /** The Trust document that let it in, and its revision then. */
  readonly trust: string
  readonly trustRevision: number
  readonly scopes: readonly string[]
  readonly expiresAt: Date
}

/** Purser's own short-lived tokens. */
export interface TokenSigner {
  sign(claims: ShortLived): Promise<string>
  /** Null: not signed by any of the keys, not of Purser's form, or expired. */
  verify(token: string): Promise<ShortLived | null>
}

/** Where a secret is, as documents name it. */
export type SecretSource = { readonly env: string } | { readonly file: string }

/** What came of a post to a team's hook. `why` is a sentence without the hook's URL. */
export type HookAnswer =
  | { readonly kind: 'taken' }
  /** It says to come back later, and perhaps when. */
  | { readonly kind: 'busy'; readonly why: string; readonly retryAfterS: number | null }
  /** It says no, and may mean what was posted. */
  | { readonly kind: 'refused'; readonly why: string }
  /** There is no such hook (any more). */
  | { readonly kind: 'gone'; readonly why: string }
  /** It did not answer, or is not well, or is nowhere to be found. */
  | { readonly kind: 'unreachable'; readonly why: string }
  /** It leads to where Purser does not go. */
  | { readonly kind: 'forbidden'; readonly why: string }

/** Incoming webhooks of chats. */
export interface Hooks {
  /** Posts a text to the hook whose URL the secret is. Never throws; aborting the signal ends it. */
  post(hook: SecretSource, text: string, stop: AbortSignal): Promise<HookAnswer>
}

/** Counts that processes share for a moment, such as who asked how often within a second. */
export interface SharedCounts {
  /** Adds to each key, and answers for each what all together have and when it is forgotten. Throws while nobody is there to ask. */
  add(
    counts: readonly { readonly key: string; readonly count: number }[],
    windowMs: number,
  ): Promise<readonly { readonly count: number; readonly msLeft: number }[]>
  close(): Promise<void>
}

/** Where a cluster is and who asks there, as an environment names it. */
export type ClusterSource = { readonly kubeconfig: SecretSource }

/** What definitions of kinds are asked for: those of Kubernetes, or those of Crossplane. */
export type DefinitionKind = 'CustomResourceDefinition' | 'CompositeResourceDefinition'

/** What came of asking a cluster. `why` is a clause without anything secret. */
export type ClusterAnswer =
  | { readonly kind: 'listed'; readonly definitions: readonly JsonObject[] }
  /** It says no, or its kubeconfig is none that is taken: asking again does not help. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unreachable'; readonly why: string }

/** Clusters of environments. Read only. */
export interface Clusters {
  listDefinitions(cluster: ClusterSource, kind: DefinitionKind): Promise<ClusterAnswer>
}
