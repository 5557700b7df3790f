import type { JsonObject } from '../../src/core/json.ts'

/** The claims of a job's token as GitHub Actions writes them (docs.github.com, "OpenID Connect reference"), but for times and `jti`. */
export function gitHubClaims(more: JsonObject = {}): JsonObject {
  return {
    sub: 'repo:acme/orders:ref:refs/heads/main',
    aud: 'purser',
    ref: 'refs/heads/main',
    sha: '2f0fc9b5a0e2f8bdb3e4f0a6ac1d8c7b9c1d4e5f',
    repository: 'acme/orders',
    repository_owner: 'acme',
    actor_id: '12',
    repository_visibility: 'private',
    repository_id: '74',
    repository_owner_id: '65',
    run_id: '1039427',
    run_number: '10',
    run_attempt: '1',
    runner_environment: 'github-hosted',
    actor: 'octocat',
    workflow: 'infrastructure',
    workflow_ref: 'acme/orders/.github/workflows/infrastructure.yml@refs/heads/main',
    workflow_sha: '2f0fc9b5a0e2f8bdb3e4f0a6ac1d8c7b9c1d4e5f',
    head_ref: '',
    base_ref: '',
    event_name: 'push',
    ref_type: 'branch',
    ref_protected: 'true',
    job_workflow_ref: 'acme/orders/.github/workflows/infrastructure.yml@refs/heads/main',
    job_workflow_sha: '2f0fc9b5a0e2f8bdb3e4f0a6ac1d8c7b9c1d4e5f',
    ...more,
  }
}

/** What differs in a job for a pull request. */
export const pullRequest: JsonObject = {
  sub: 'repo:acme/orders:pull_request',
  ref: 'refs/pull/7/merge',
  head_ref: 'bigger-database',
  base_ref: 'main',
  event_name: 'pull_request',
  ref_protected: 'false',
  workflow_ref: 'acme/orders/.github/workflows/infrastructure.yml@refs/pull/7/merge',
  job_workflow_ref: 'acme/orders/.github/workflows/infrastructure.yml@refs/pull/7/merge',
}

/** The claims of a job's ID token as GitLab writes them (docs.gitlab.com, "ID token authentication"), but for times and `jti`. */
export function gitLabClaims(more: JsonObject = {}): JsonObject {
  return {
    namespace_id: '72',
    namespace_path: 'acme',
    project_id: '22',
    project_path: 'acme/orders',
    user_id: '1',
    user_login: 'octocat',
    user_email: 'octocat@example.com',
    user_access_level: 'developer',
    pipeline_id: '574',
    pipeline_source: 'push',
    job_id: '302',
    ref: 'main',
    ref_type: 'branch',
    ref_path: 'refs/heads/main',
    ref_protected: 'true',
    runner_id: 1,
    runner_environment: 'gitlab-hosted',
    sha: '2f0fc9b5a0e2f8bdb3e4f0a6ac1d8c7b9c1d4e5f',
    project_visibility: 'private',
    ci_config_ref_uri: 'gitlab.com/acme/orders//.gitlab-ci.yml@refs/heads/main',
    ci_config_sha: '2f0fc9b5a0e2f8bdb3e4f0a6ac1d8c7b9c1d4e5f',
    sub: 'project_path:acme/orders:ref_type:branch:ref:main',
    aud: 'purser',
    ...more,
  }
}

/** What differs in a job for a merge request. */
export const mergeRequest: JsonObject = {
  sub: 'project_path:acme/orders:ref_type:branch:ref:bigger-database',
  pipeline_source: 'merge_request_event',
  ref: 'bigger-database',
  ref_path: 'refs/merge-requests/7/head',
  ref_protected: 'false',
}
