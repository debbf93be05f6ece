/** Clients of one thread, of which one has sent a thousand messages at once, each of which takes a millisecond. */
import { expect, it } from 'vitest';
import { service, start } from './running.ts';

const LINES = 2000;

it.each([
  ['session', 'sessions', 'busy', 'x'],
  ['message', 'busy', '', 'busy 1'],
])('others are answered between them, by a service with %s', async (_, name, opening, line) => {
  await using running = await start(service(name), { threads: 1 });
  const greedy = await running.connect();
  await using other = await running.connect();
  if (opening !== '') other.send(`${opening}\n`);
  expect(await other.ask('y')).toBe('y');
  greedy.send(`${opening}\n`.repeat(opening === '' ? 0 : 1) + `${line}\n`.repeat(LINES));
  for (let asks = 0; asks < 5; asks++) expect(await other.ask('y')).toBe('y');
  const answered = Buffer.concat(greedy.pieces).length / (line.length + 1);
  greedy.reset();
  expect(answered).toBeLessThan(LINES);
});
