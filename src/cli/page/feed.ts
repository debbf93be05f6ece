/** Follows a server, remembers the last minutes, and tells those who watch. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Seen } from '../../admin/control/watching.ts';
import { frameOf, type Heat, heatOf, type Hello, type Tick } from '../../admin/view/frames.ts';
import { Loom } from '../../admin/view/loom.ts';
import type { Sample } from '../../admin/view/sample.ts';
import { countsBetween } from '../../admin/view/waits.ts';
import { type View, viewAt, viewOf } from '../../admin/view/view.ts';
import { Deferred } from '../../server/deferred.ts';

/** How much is remembered for those who come later. */
const HISTORY_MS = 600_000;
/** Rates are those of about a second, in ms: of a quarter of one, they would jump about. */
const RATES_MS = 900;
/** How long after a server has gone another one is looked for, in ms. */
const AGAIN_MS = 1_000;

export interface FeedParts {
  readonly watch: (options: { readonly everyMs: number; readonly signal: AbortSignal }) => AsyncIterable<Seen>;
  /** How often the server tells while somebody watches, and while nobody does, in ms. */
  readonly watchedMs: number;
  readonly unwatchedMs: number;
}

export type News =
  | readonly [name: 'hello', data: Hello]
  | readonly [name: 'tick', data: Tick]
  | readonly [name: 'gone', data: { readonly gone: string }];

export type Watcher = (news: News) => void;

export class Feed {
  readonly #parts: FeedParts;
  readonly #watchers = new Set<Watcher>();
  readonly #started = new Deferred<void>();
  #loom = new Loom();
  #heats: Heat[] = [];
  /** What rates are counted from. */
  #before: Sample | undefined;
  #view: View | undefined;
  #following = new AbortController();

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  /** Rejects if the server does not answer the first time; later, that is told and tried again. */
  async start(): Promise<void> {
    this.#reopen();
    await this.#started.promise;
  }

  close(): void {
    this.#following.abort();
  }

  /** What was seen last. */
  get view(): View | undefined {
    return this.#view;
  }

  /** What a watcher has to know first. */
  get hello(): Hello | undefined {
    return this.#view && { view: this.#view, loom: this.#loom.state, heats: this.#heats };
  }

  /** Gives a function that ends it. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) this.#reopen();
    return () => {
      if (this.#watchers.delete(watcher) && this.#watchers.size === 0 && !this.#following.signal.aborted)
        this.#reopen();
    };
  }

  /** Asks anew, as often as it is watched now. */
  #reopen(): void {
    this.#following.abort();
    this.#following = new AbortController();
    const { unwatchedMs, watchedMs } = this.#parts;
    const everyMs = this.#watchers.size > 0 ? watchedMs : unwatchedMs;
    this.#follow(everyMs, this.#following.signal).catch(() => {}); // It was ended while it waited.
  }

  async #follow(everyMs: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        let isFirst = true;
        for await (const seen of this.#parts.watch({ everyMs, signal })) {
          if (signal.aborted) return;
          this.#note(seen, isFirst);
          isFirst = false;
        }
        throw new Error('The server has ended');
      } catch (error) {
        if (signal.aborted) return;
        this.#started.reject(error);
        this.#tell(['gone', { gone: error instanceof Error ? error.message : String(error) }]);
      }
      await delay(AGAIN_MS, undefined, { signal });
    }
  }

  #note(seen: Seen, isFirst: boolean): void {
    const pid = seen.sample?.snapshot.server.pid;
    const isOther = pid !== undefined && this.#view !== undefined && this.#view.server.pid !== pid;
    if (isOther) this.#forget();
    const tick = this.#tickOf(seen, isFirst);
    this.#started.resolve();
    // What a page knows of clients is of the process before.
    this.#tell(isOther && this.hello !== undefined ? ['hello', this.hello] : ['tick', tick]);
  }

  #tickOf(seen: Seen, isFirst: boolean): Tick {
    const { sample, time, verdict } = seen;
    const heat = sample && this.#heat(sample);
    const view = sample && viewOf(sample, this.#before);
    if (sample !== undefined && (heat !== undefined || this.#before === undefined)) this.#before = sample;
    const shown = view ?? (this.#view && viewAt(this.#view, time, verdict));
    this.#view = shown;
    const threads = shown?.threads.map(({ id }) => id) ?? [];
    const frame = frameOf(seen, threads, isFirst ? this.#loom.changes(seen.moved) : seen);
    this.#loom.add(frame);
    if (view !== undefined) this.#loom.forget(time - HISTORY_MS);
    return { verdict, frame, ...(view !== undefined && { view }), ...(heat !== undefined && { heat }) };
  }

  /** Another process: its counters and clients have nothing to do with those before. */
  #forget(): void {
    [this.#loom, this.#before, this.#view] = [new Loom(), undefined, undefined];
  }

  #heat({ snapshot: { response, time, verdict } }: Sample): Heat | undefined {
    const from = this.#before?.snapshot;
    if (from === undefined || time - from.time < RATES_MS) return undefined;
    const heat = heatOf(time, countsBetween(from.response, response), verdict.text);
    this.#heats.push(heat);
    while ((this.#heats[0]?.time ?? time) < time - HISTORY_MS) this.#heats.shift();
    return heat;
  }

  #tell(news: News): void {
    for (const watcher of this.#watchers) watcher(news);
  }
}
