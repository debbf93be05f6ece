/** Writes docs/options.md: `npm run docs`. */

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { optionsPage } from './options-page.ts';

writeFileSync(resolve(import.meta.dirname, '../docs/options.md'), optionsPage());
