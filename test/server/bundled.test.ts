import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { start } from './running.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Gives the URL of `source`, bundled with all that it imports from the package. */
async function bundled(source: string): Promise<URL> {
  const folder = testFolder();
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/heddle'));
  const input = join(folder, 'input.mjs');
  writeFileSync(input, source);
  const bundle = await rolldown({ input, platform: 'node', resolve: { symlinks: false } });
  await bundle.write({ dir: join(folder, 'bundled'), entryFileNames: 'bundle.mjs' });
  await bundle.close();
  return pathToFileURL(join(folder, 'bundled/bundle.mjs'));
}

it('a service that was bundled together with the library is served', async () => {
  const file = await bundled(`
    import { defineService, HeddleError } from 'heddle';
    const { code } = new HeddleError('HEDDLE_CLOSED', 'no more');
    export default defineService({ framing: 'line', message: (line) => code + ' ' + line });`);
  await using running = await start(file);
  await using peer = await running.connect();
  expect(String(await peer.send('hello\n').finish().rest())).toBe('HEDDLE_CLOSED hello\n');
});

it('a program that was bundled together with the library can connect, and is told how it can serve', async () => {
  const file = await bundled("export { connect, serve } from 'heddle';");
  const { connect, serve }: typeof import('heddle') = await import(file.href);
  await using running = await start(undefined, { framing: 'line' });
  const connection = await connect({ port: running.port, framing: 'line' });
  expect(String(await connection.request('abc'))).toBe('cba');
  await connection.close();
  await expect(serve({ port: 0 })).rejects.toMatchObject({
    code: 'HEDDLE_UNSUPPORTED',
    message: expect.stringContaining('esbuild --external:heddle'),
  });
});
