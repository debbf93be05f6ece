import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { optionsPage } from '../../checks/options-page.ts';

it('docs/options.md is what the schemas say (npm run docs writes it)', () => {
  expect(readFileSync(new URL('../../docs/options.md', import.meta.url), 'utf8')).toBe(optionsPage());
});
