/** Has clients come and go at a server while threads die and code is reloaded: every byte is compared. */
import fc from 'fast-check';
import { play } from '../server/play.ts';
import { type Batch, ENDS, FRAMINGS, KINDS, type Scenario, TRANSPORTS, type Visit, WAYS } from '../server/scenario.ts';
import { target } from '../target.ts';

/** How long each server is put through its clients, in ms. */
const LASTS = 1500;

const length = fc.oneof(
  fc.nat(100),
  fc.nat(5000),
  fc.constantFrom(65_500, 65_530, 65_540, 131_000),
  fc.constant(300_000),
);
/** What a batch asks for, in bytes: a server has as much to do as it can in the time. */
const MOST = 300_000;

const anyBatch: fc.Arbitrary<Batch> = fc.record({
  count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 20 })),
  way: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...WAYS) },
    { weight: 4, arbitrary: fc.constant('echo' as const) },
  ),
  letters: length,
  wants: fc.oneof({ weight: 9, arbitrary: length }, { weight: 1, arbitrary: fc.constant(1_600_000) }),
  cut: fc.oneof(fc.constant(0), fc.nat(100), fc.nat(200_000)),
  pause: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(5, 50) }),
});
const batch = anyBatch.map(({ count, letters, wants, way, cut, pause }) => ({
  count: Math.max(1, Math.min(count, Math.floor(MOST / (letters + wants + 1)))),
  letters,
  wants,
  way,
  cut,
  pause,
}));
const visit: fc.Arbitrary<Visit> = fc.record({
  batches: fc.array(batch, { minLength: 1, maxLength: 3 }),
  end: fc.constantFrom(...ENDS),
});
const scenario: fc.Arbitrary<Scenario> = fc.record({
  kind: fc.constantFrom(...KINDS),
  transport: fc.constantFrom(...TRANSPORTS),
  framing: fc.constantFrom(...FRAMINGS),
  threads: fc.constantFrom('1', '2', '1..3', '2..6'),
  clients: fc.integer({ min: 1, max: 16 }),
  visits: fc.array(visit, { minLength: 1, maxLength: 5 }),
  killEvery: fc.constantFrom(0, 0, 100, 400),
  reloadEvery: fc.constantFrom(0, 0, 300),
});

export const servers = target(
  'servers',
  'whole servers: clients that come and go, resets, halves, burners, dying threads, reloads; a nonce in every message',
  fc.asyncProperty(scenario, async (given) => {
    await play(given, LASTS);
  }),
  { weight: 4, slice: undefined },
);
