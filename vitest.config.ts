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
    // Most tests wait more than they compute; vitest's own choice, one less than there are CPUs, is one on a small machine.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // A test that takes a second or two took a minute on a machine with twenty processes for each CPU.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 5_000,
    restoreMocks: true,
    unstubEnvs: true,
  },
});
