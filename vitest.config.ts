import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** `npm test` needs Node and npm only; the tests in test/system and test/docs run the real command with real clients. */
export default defineConfig({
  resolve: {
    // Threads load built files, so whatever starts a server imports the package as its users do.
    alias: [
      { find: /^heddle$/, replacement: fileURLToPath(new URL('./dist/index.js', import.meta.url)) },
      { find: /^heddle\/http$/, replacement: fileURLToPath(new URL('./dist/http.js', import.meta.url)) },
    ],
  },
  test: {
    setupFiles: ['test/support/fixed-seeds.ts'],
    include: ['test/**/*.test.ts'],
    exclude: ['test/system/**', 'test/docs/**'],
    pool: 'forks',
    // Most tests wait as much as they compute: one more than there are CPUs keeps two of them busy, where two leave a third idle.
    maxWorkers: availableParallelism() + 1,
    // A test that takes a second or two took a minute on a machine with twenty processes for each CPU.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 5_000,
    restoreMocks: true,
    unstubEnvs: true,
  },
});
