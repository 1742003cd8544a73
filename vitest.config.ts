import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Worker processes are started from dist/.
    globalSetup: ['tests/setup/build.ts'],
    setupFiles: ['tests/setup/seed.ts'],
    // The engine is a native addon with state of its own: one process a file, and no more than two at once.
    pool: 'forks',
    maxWorkers: 2,
    // What programs print is compared as plain text, on CI too, where colours are on by default.
    env: { NO_COLOR: '1' },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
