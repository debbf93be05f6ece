import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { benchCommandSchema } from '../../../src/cli/bench/bench-command-options.ts';
import { flagName } from '../../../src/options/source.ts';

it('has each option on its page', () => {
  const page = readFileSync(new URL('../../../docs/bench.md', import.meta.url), 'utf8');
  const flags = [...Object.keys(benchCommandSchema.entries).map(flagName), '--beside', '--require'];
  expect(flags.filter((flag) => !page.includes(`\`${flag}\``))).toEqual([]);
});
