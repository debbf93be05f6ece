import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { canHandOver } from '../../src/server/open-engine.ts';
import { testFolder } from '../support/folder.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SCRIPT = fileURLToPath(new URL('./without-koffi.mjs', import.meta.url));

/** The package as it is installed where koffi is left out. */
function installWithoutKoffi(): string {
  const folder = testFolder();
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  mkdirSync(join(folder, 'node_modules'));
  for (const name of ['commander', 'jiti', 'valibot']) {
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  }
  return join(folder, 'dist', 'index.js');
}

async function said(library: string, engine: string): Promise<unknown> {
  const child = spawn(process.execPath, [SCRIPT, library, engine], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (data) => (output += String(data)));
  await once(child, 'close');
  return JSON.parse(output);
}

const served = { engine: 'net', reply: 'olleh\n', hasFfi: false };

it.runIf(canHandOver())('without koffi a server runs on Node’s own sockets', async () => {
  expect(await said(installWithoutKoffi(), 'auto')).toEqual(served);
});

it.runIf(canHandOver())('the net engine does not load koffi where there is one', async () => {
  expect(await said(join(ROOT, 'dist', 'index.js'), 'net')).toEqual(served);
});

it.skipIf(canHandOver())('without koffi and on an old Node, what to do is said', async () => {
  expect(await said(installWithoutKoffi(), 'auto')).toEqual({
    code: 'HEDDLE_UNSUPPORTED',
    message: expect.stringMatching(/npm install koffi\. net: it needs Node 24\.21 .*, this is \d+\.\d+/),
  });
});

it('epoll without koffi is refused, with how to install it', async () => {
  expect(await said(installWithoutKoffi(), 'epoll')).toEqual({
    code: 'HEDDLE_UNSUPPORTED',
    message: expect.stringMatching(/^cannot load koffi, .* Install it with: npm install koffi$/),
  });
});
