import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NumberQueue } from '../../src/load/number-queue.ts';

it('gives numbers in the order in which they came, however many wait', () => {
  const steps = fc.array(fc.option(fc.double({ noNaN: true })), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (given) => {
      const [queue, model] = [new NumberQueue(), [] as number[]];
      for (const value of given) {
        if (value === null) expect(queue.shift()).toBe(model.shift() ?? NaN);
        else {
          queue.push(value);
          model.push(value);
        }
        expect([queue.size, queue.peek()]).toEqual([model.length, model[0] ?? NaN]);
      }
    }),
  );
});
