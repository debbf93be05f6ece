/** Takes a profile of a thread for `heddle top`, and shows its heaviest functions. */
import { durationText } from '../../admin/words.ts';
import type { Line } from './line.ts';

/** How long the thread is profiled, in ms. */
export const PROFILE_MS = 2_000;

/** Gives the lines that say what a thread spends its time on. */
export type TakeProfile = (thread: number, ms: number, signal: AbortSignal) => Promise<readonly string[]>;

export class ProfilePane {
  readonly #take: TakeProfile;
  #ending = new AbortController();
  #lines: readonly Line[] = [];

  constructor(take: TakeProfile) {
    this.#take = take;
  }

  get lines(): readonly Line[] {
    return this.#lines;
  }

  /** The profile before is given up. */
  start(thread: number): void {
    this.end();
    const { signal } = this.#ending;
    this.#lines = [[[`Thread ${thread} is being profiled for ${durationText(PROFILE_MS)}.`, 'bold']]];
    this.#take(thread, PROFILE_MS, signal).then(
      (lines) =>
        this.#show(
          signal,
          lines.map((text, at): Line => [[text, at === 0 ? 'bold' : 'plain']]),
        ),
      (error: unknown) => this.#show(signal, [[[error instanceof Error ? error.message : String(error), 'warn']]]),
    );
  }

  /** Nobody looks any more. */
  end(): void {
    this.#ending.abort();
    this.#ending = new AbortController();
  }

  #show({ aborted }: AbortSignal, lines: readonly Line[]): void {
    if (!aborted) this.#lines = lines;
  }
}
