import { talk } from '../loads.ts';
import { least, type Row } from '../row.ts';

const LIGHTS = 32;
const BURN_MS = 200;
/** What is asked of the worst wait, in ms, by the number of clients that burn. */
const LIMITS: readonly (readonly [burners: number, ms: number])[] = [
  [1, 10],
  [4, 25],
  [16, 50],
];
/** The pool grows while it warms up. */
const LOAD = { lights: LIGHTS, burnMs: BURN_MS, thinkMs: 10, warmMs: 2500, ms: 2500 };

export const noWait: Row = {
  fault: `handlers block their thread: ${LIGHTS} light clients beside 1, 4 and 16 that burn ${BURN_MS} ms a message`,
  asked:
    'worst wait of a light client ≤ 10, 25 and 50 ms, less what the clients’ own process waited for a CPU (the best of 3 runs: noise only adds)',
  async run(stage) {
    const server = await stage.start({ framing: 'line', threads: '2..24' });
    const worst: number[] = [];
    for (const [burners, limit] of LIMITS) {
      const waits = async (): Promise<number> => {
        const { lateUs, worstUs } = await talk(server, { ...LOAD, burners });
        return Math.max(0, worstUs - lateUs) / 1000;
      };
      worst.push(await least(limit, waits));
    }
    return {
      measured: `worst wait ${worst.map((ms) => ms.toFixed(1)).join(', ')} ms`,
      passed: LIMITS.every(([, limit], index) => (worst[index] ?? Number.NaN) <= limit),
    };
  },
};
