import { expect, it } from 'vitest';
import { Pauses } from '../../src/load/pauses.ts';
import { seededRandom } from '../../src/load/random.ts';

it('ends the shortest pause first, whatever the order in which they began', () => {
  const pauses = new Pauses<number>(20, seededRandom(1));
  const ends: number[] = [];
  expect(pauses.due).toBe(Infinity);
  for (let client = 0; client < 5_000; client++) {
    pauses.begin(client, client / 100);
    // Some are taken meanwhile.
    if (client % 3 === 0) pauses.take();
  }
  const clients = new Set<number>();
  while (pauses.due < Infinity) {
    ends.push(pauses.due);
    clients.add(pauses.take());
  }
  expect(ends).toEqual(ends.toSorted((one, other) => one - other));
  expect(clients.size).toBe(5_000 - Math.ceil(5_000 / 3));
});

it('lets clients pause for the time that was asked for, on average', () => {
  const pauses = new Pauses<number>(20, seededRandom(1));
  let sum = 0;
  for (let count = 0; count < 20_000; count++) {
    pauses.begin(count, 1_000);
    sum += pauses.due - 1_000;
    pauses.take();
  }
  expect(sum / 20_000).toBeCloseTo(20, 0);
});
