/** Asks a server several times a second, remembers the last minutes, and tells those who watch. */
import { type Frame, frameOf, type Heat, heatOf, type Hello, type Tick } from '../../admin/view/frames.ts';
import type { Place } from '../../admin/control/places.ts';
import type { Sample } from '../../admin/view/sample.ts';
import { countsBetween } from '../../admin/view/waits.ts';
import { viewOf } from '../../admin/view/view.ts';

/** How much is remembered for those who come later. */
const FRAMES_MS = 60_000;
const HEATS = 120;
/** Rates are those of this time, in ms: of a quarter of a second, they would jump about. */
const RATES_MS = 1_000;

export interface FeedParts {
  readonly take: () => Promise<Sample>;
  readonly places: () => Promise<readonly Place[]>;
  /** How often the server is asked while somebody watches, and while nobody does, in ms. */
  readonly watchedMs: number;
  readonly unwatchedMs: number;
}

export type Watcher = (news: Tick | { readonly gone: string }) => void;

export class Feed {
  readonly #parts: FeedParts;
  readonly #watchers = new Set<Watcher>();
  #frames: Frame[] = [];
  #heats: Heat[] = [];
  /** The samples of the last second or so, the oldest first. */
  #samples: Sample[] = [];
  #heatFrom: Sample | undefined;
  #last: Tick | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  /** Rejects if the server does not answer the first time; later, that is told and tried again. */
  async start(): Promise<void> {
    await this.#look();
    this.#again();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** What a watcher has to know first. */
  get hello(): Hello | undefined {
    return this.#last && { ...this.#last, frames: this.#frames, heats: this.#heats };
  }

  /** Gives a function that ends it. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    this.#again(0);
    return () => void this.#watchers.delete(watcher);
  }

  #again(ms = this.#watchers.size > 0 ? this.#parts.watchedMs : this.#parts.unwatchedMs): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#look()
        .catch((error: unknown) => this.#tell({ gone: error instanceof Error ? error.message : String(error) }))
        .finally(() => this.#again())
        .catch(() => {});
    }, ms);
  }

  async #look(): Promise<void> {
    const [sample, places] = await Promise.all([this.#parts.take(), this.#parts.places()]);
    const tick = this.#note(sample, places);
    this.#last = tick;
    this.#tell(tick);
  }

  #note(sample: Sample, places: readonly Place[]): Tick {
    const { pid } = sample.snapshot.server;
    if (this.#samples.some(({ snapshot }) => snapshot.server.pid !== pid)) this.#forget();
    const { time } = sample.snapshot;
    // One that is older than the time of the rates stays: the one that they are counted from.
    while ((this.#samples[1]?.snapshot.time ?? time) <= time - RATES_MS) this.#samples.shift();
    const view = viewOf(sample, this.#samples[0]);
    this.#samples.push(sample);
    const frame = frameOf(view, places);
    this.#frames.push(frame);
    while ((this.#frames[0]?.time ?? time) < time - FRAMES_MS) this.#frames.shift();
    const heat = this.#heat(sample);
    return { view, frame, ...(heat !== undefined && { heat }) };
  }

  /** Another process: its counters and clients have nothing to do with those before. */
  #forget(): void {
    [this.#samples, this.#frames, this.#heatFrom] = [[], [], undefined];
  }

  #heat(sample: Sample): Heat | undefined {
    const { response, time } = sample.snapshot;
    this.#heatFrom ??= sample;
    const from = this.#heatFrom.snapshot;
    if (time - from.time < RATES_MS) return undefined;
    this.#heatFrom = sample;
    const heat = heatOf(time, countsBetween(from.response, response));
    this.#heats.push(heat);
    if (this.#heats.length > HEATS) this.#heats.shift();
    return heat;
  }

  #tell(news: Tick | { readonly gone: string }): void {
    for (const watcher of this.#watchers) watcher(news);
  }
}
