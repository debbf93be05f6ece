/** Writes the `-module.ts` of each WebAssembly text: `npm run wasm`. */

import { writeFileSync } from 'node:fs';
import { webAssemblyModules } from './web-assembly.ts';

for (const { file, text } of await webAssemblyModules()) writeFileSync(file, text);
