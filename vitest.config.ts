import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { defineConfig } from 'vitest/config'

const pure = ['test/*.test.ts', 'test/core/**/*.test.ts', 'test/cli/**/*.test.ts', 'test/client/retries.test.ts']
/** A page, in Debian's chromium. */
const browsed = ['test/client/browser.test.ts', 'test/faces/graphql/graphiql.test.ts', 'test/journeys/sign-in-browser.test.ts']
/**
 * Real parts, `npm run test:parts`: several processes of each kind on a Redis and a PostgreSQL that the tests stop and start,
 * every shell that completes, and a browser.
 */
const parts = ['test/journeys/replicas*.test.ts', 'test/cli/shells.test.ts', 'test/deploy/package.test.ts', ...browsed]
/** Their keys are made by OpenSSH's own program. */
const signing = ['test/adapters/git-signing.test.ts', 'test/operations/deliver-signed.test.ts', 'test/deploy/gitops-hook.test.ts']

const installed = (program: string) => (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)))
const lacking = installed('ssh-keygen') ? [] : signing
if (lacking.length > 0) process.stderr.write(`ssh-keygen is not installed (openssh-client): left out are ${lacking.join(', ')}\n`)
const unbrowsed = installed('chromium') ? [] : browsed
if (unbrowsed.length > 0) process.stderr.write(`chromium is not installed: left out are ${unbrowsed.join(', ')}\n`)

export default defineConfig({
  // As Node resolves it, for mercurius and for us: of a schema that another copy made, graphql says that it is none.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    // Forks: a leaked socket or child process of one file cannot hide in another.
    pool: 'forks',
    // Each with a database server of its own (test/support/database-server.ts).
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 30_000,
    restoreMocks: true,
    projects: [
      // What leaks nothing need not load its modules anew for each file.
      { extends: true, test: { name: 'pure', include: pure, exclude: parts, isolate: false } },
      // Only these and the page need the database server, which takes two seconds to be made.
      {
        extends: true,
        test: {
          name: 'joined',
          include: ['test/**/*.test.ts'],
          exclude: [...pure, ...parts, ...lacking],
          globalSetup: ['test/support/database-server.ts'],
        },
      },
      {
        extends: true,
        test: { name: 'parts', include: parts, exclude: unbrowsed, globalSetup: ['test/support/database-server.ts'] },
      },
    ],
  },
})
