import { defineConfig } from 'vitest/config'

const pure = ['test/*.test.ts', 'test/core/**/*.test.ts', 'test/cli/**/*.test.ts']

export default defineConfig({
  test: {
    // Forks: a leaked socket or child process of one file cannot hide in another.
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 30_000,
    restoreMocks: true,
    projects: [
      { extends: true, test: { name: 'pure', include: pure } },
      // Only these need the database server, which takes two seconds to be made.
      {
        extends: true,
        test: { name: 'joined', include: ['test/**/*.test.ts'], exclude: pure, globalSetup: ['test/support/database-server.ts'] },
      },
    ],
  },
})
