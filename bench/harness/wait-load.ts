/** Runs the usual clients that wait, light ones beside burners, in one window of time after a warm-up. */
import { runClients } from './client-load.ts';

export interface WaitLoad {
  readonly lights: number;
  /** Clients that each ask, in a closed loop, for a message that costs `burnMs` of CPU time. */
  readonly burners: number;
  readonly burnMs: number;
  /** The mean time from one line of a light client to its next, if the reply does not take longer. */
  readonly thinkMs: number;
  readonly warmMs: number;
  readonly ms: number;
  /** Whether clients may be cut off: they are counted, and come back. */
  readonly lossy?: boolean;
  /** Ends the measured time early when it settles. */
  readonly until?: Promise<unknown>;
}

/** Waits of the light clients in the measured time, in microseconds. */
export interface WaitSample {
  /** Replies that were right, of all clients, from the start to the end. */
  readonly checked: number;
  readonly p99Us: number;
  readonly worstUs: number;
  /** How late the load itself was at worst, by its own clock. */
  readonly lateUs: number;
  /** Clients cut off while they waited for a reply, and while they did not. */
  readonly lostWaiting: number;
  readonly lostResting: number;
}

/** Throws if a reply was wrong, or a connection broke that must not. */
export async function runWaitLoad(
  program: string,
  cpus: readonly number[],
  port: number,
  { lights, burners, burnMs, thinkMs, warmMs, ms, ...options }: WaitLoad,
): Promise<WaitSample> {
  const end = warmMs + ms;
  const { checked, lostWaiting, lostResting, windows } = await runClients(
    program,
    cpus,
    { port },
    {
      groups: {
        light: { clients: lights, kind: 'light', thinkMs },
        burn: { clients: burners, kind: 'cpu', burnMs },
      },
      windows: { measured: { fromMs: warmMs, toMs: end } },
      ms: end,
      ...options,
    },
  );
  const { groups, lateUs } = windows.measured;
  const { taken, p99Us, worstUs } = groups.light;
  if (taken === 0) throw new Error('no wait was measured');
  return { checked, p99Us, worstUs, lateUs, lostWaiting, lostResting };
}
