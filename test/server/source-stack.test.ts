import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { service, start } from './running.ts';

const SOURCE = fileURLToPath(new URL('../../src/', import.meta.url));

/** The places in a stack that are Heddle's, as its source has them: file, line, and the text from there on. */
function ownPlaces(stack = ''): { readonly file: string; readonly code: string }[] {
  const places = stack.matchAll(/\((\S+)\/(src|dist)\/(\S+?):(\d+):(\d+)\)/g);
  return Array.from(places, ([, , folder, file = '', line, column]) => {
    if (folder !== 'src') return { file: `dist/${file}`, code: '' };
    const text = readFileSync(SOURCE + file, 'utf8').split('\n')[Number(line) - 1] ?? '';
    return { file, code: text.slice(Number(column) - 1) };
  });
}

it('the stack of what a handler throws names the places of the source', async () => {
  await using running = await start(service('odd-throws'));
  await using peer = await running.connect();
  await peer.send('throw message-object\n').finish().rest();
  const [event] = await running.seen('service-error');
  const [caller, ...others] = ownPlaces(event?.error.stack);
  expect(caller).toEqual({ file: 'connection/per-message.ts', code: expect.stringContaining('message') });
  expect(others.filter(({ file, code }) => file.startsWith('dist') || code === '')).toEqual([]);
});

it('so does the stack of a thread that does not start', async () => {
  const error: Error = await start(service('broken/throws')).then(
    () => new Error('it has started'),
    (reason: Error) => reason,
  );
  expect(ownPlaces(error.stack)).toContainEqual({ file: 'thread/run.ts', code: 'await run(start, engine);' });
  expect(error.stack).not.toContain('.cjs');
});
