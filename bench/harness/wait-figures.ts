/** Reads the figures of a table out of what clients saw, one number for each round. */
import type { ClientSample, LoadWindow } from './client-load.ts';
import { fixed, median, spread } from './numbers.ts';

/** A load that was later than this, in µs, may have been what was measured. */
const LATE_US = 2_000;

export class WaitFigures<Group extends string, Window extends string> {
  readonly #samples: readonly ClientSample<Group, Window>[];
  readonly #windows: Readonly<Record<Window, LoadWindow>>;

  constructor(samples: readonly ClientSample<Group, Window>[], windows: Readonly<Record<Window, LoadWindow>>) {
    this.#samples = samples;
    this.#windows = windows;
  }

  get rounds(): number {
    return this.#samples.length;
  }

  /** The longest wait, in ms. */
  worst(window: Window, group: Group): number[] {
    return this.#of(window, (sample) => sample.windows[window].groups[group].worstUs / 1_000);
  }

  p99(window: Window, group: Group): number[] {
    return this.#of(window, (sample) => sample.windows[window].groups[group].p99Us / 1_000);
  }

  /** Replies in a second. */
  rate(window: Window, group: Group): number[] {
    const seconds = this.#length(window) / 1_000;
    return this.#of(window, (sample) => sample.windows[window].groups[group].answered / seconds);
  }

  /** Replies that the client with the fewest had, and the one with the most. */
  turns(window: Window, group: Group): string {
    const of = (field: 'leastTurns' | 'mostTurns'): number =>
      median(this.#of(window, (sample) => sample.windows[window].groups[group][field]));
    return `${fixed(of('leastTurns'), 0)}..${fixed(of('mostTurns'), 0)}`;
  }

  /** The turns of the client with the fewest by those of the one with the most; a difference of one turn is none. */
  evenness(window: Window, group: Group): number[] {
    return this.#of(window, (sample) => {
      const { leastTurns, mostTurns } = sample.windows[window].groups[group];
      return mostTurns - leastTurns <= 1 ? 1 : leastTurns / mostTurns;
    });
  }

  /** When the last reply came, in s from the start of the window; NaN if somebody still waited at the end. */
  finished(window: Window, group: Group, clients: number): number[] {
    return this.#of(window, (sample) => {
      const { answered, lastUs } = sample.windows[window].groups[group];
      return answered < clients ? NaN : lastUs / 1e6;
    });
  }

  /** CPUs that neither the server nor the load used: those of neighbours on the machine. */
  others(window: Window): number[] {
    return this.#of(window, (sample) => sample.windows[window].othersCpuMs / this.#length(window));
  }

  /** How late the load itself was at worst, in ms, and in how many rounds it was so late that it may have been what was measured. */
  late(window: Window): string {
    const late = this.#of(window, (sample) => sample.windows[window].lateUs);
    const marked = late.filter((us) => us > LATE_US).length;
    return `${fixed(Math.max(...late) / 1_000, 1)}${marked === 0 ? '' : ` (${marked} of ${late.length})`}`;
  }

  /** Nothing can be said of a window that the run was too short for. */
  #of(window: Window, figure: (sample: ClientSample<Group, Window>) => number): number[] {
    return this.#length(window) > 0 ? this.#samples.map(figure) : [];
  }

  #length(window: Window): number {
    const { fromMs, toMs } = this.#windows[window];
    return toMs - fromMs;
  }
}

/** Milliseconds as a table shows them. */
export const inMs = (values: readonly number[]): string => spread(values, median(values) < 100 ? 1 : 0);

/** Replies in a second as a table shows them, in thousands. */
export function inThousands(values: readonly number[]): string {
  const thousands = values.map((value) => value / 1_000);
  return spread(thousands, median(thousands) < 10 ? 1 : 0);
}
