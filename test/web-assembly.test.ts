import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { webAssemblyModules } from '../checks/web-assembly.ts';

const modules = await webAssemblyModules();

describe('the WebAssembly modules', () => {
  it('are two', () => {
    expect(modules.map(({ file }) => basename(file)).sort()).toEqual([
      'find-byte-module.ts',
      'reverse-ascii-module.ts',
    ]);
  });

  it.each(modules)('are what their text says (npm run wasm writes them): $file', ({ file, text }) => {
    expect(existsSync(file) ? readFileSync(file, 'utf8') : undefined).toBe(text);
  });
});
