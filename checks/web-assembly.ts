/** Makes a module in TypeScript of each WebAssembly text in src; a test compares the modules with their texts. */

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import initializeWabt from 'wabt';

const SOURCE = resolve(import.meta.dirname, '../src');
const ENDING = '.wat';

/** How many characters of base64 stand in a line. */
const LINE = 100;

export interface MadeModule {
  readonly file: string;
  readonly text: string;
}

/** Gives what stands in the modules, one beside each text. */
export async function webAssemblyModules(): Promise<MadeModule[]> {
  const wabt = await initializeWabt();
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(ENDING));
  return files.map((name) => {
    const parsed = wabt.parseWat(name, readFileSync(join(SOURCE, name), 'utf8'), { simd: true });
    parsed.validate();
    const bytes = Buffer.from(parsed.toBinary({}).buffer);
    parsed.destroy();
    const file = join(SOURCE, name.slice(0, -ENDING.length) + '-module.ts');
    return { file, text: moduleText(basename(name, ENDING), bytes) };
  });
}

function moduleText(name: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  const [first, ...others] = lines.map((line) => `'${line}'`);
  return `/** Made of ${name}${ENDING} by \`npm run wasm\`. */
export const ${name.replaceAll('-', '_').toUpperCase()} = Buffer.from(
  ${[first, ...others.map((line) => `  ${line}`)].join(' +\n  ')},
  'base64',
);
`;
}
