import { mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

const config = mergeConfig(base, { test: { testTimeout: 240_000, hookTimeout: 240_000, fileParallelism: false } });
config.test = { ...config.test, include: ['test/{system,docs}/**/*.test.ts'], exclude: [] };

export default config;
