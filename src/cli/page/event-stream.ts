/** Tells one page what happens, as server-sent events; a page that does not read gets less, and is cut off in the end. */
import type { ServerResponse } from 'node:http';
import type { Rights } from '../../admin/view/frames.ts';
import type { Feed, News } from './feed.ts';

/** A page that has not taken so many bytes is told nothing more for now. */
const MOST_UNSENT = 256 * 1024;
/** How long that may last, in ms. */
const PATIENCE_MS = 10_000;

export class EventStream {
  readonly #response: ServerResponse;
  readonly #feed: Feed;
  readonly #rights: Rights;
  readonly #stop: () => void;
  /** Since when the page has not read: it has missed what came since. */
  #fullSince: number | undefined;

  constructor(response: ServerResponse, feed: Feed, rights: Rights) {
    this.#response = response;
    this.#feed = feed;
    this.#rights = rights;
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    });
    this.#hello();
    this.#stop = feed.watch((news) => this.#tell(news));
    response.once('close', this.#stop);
    response.on('error', () => {});
  }

  close(): void {
    this.#stop();
    this.#response.end();
  }

  #hello(): void {
    const { hello } = this.#feed;
    if (hello !== undefined) this.#write('hello', { rights: this.#rights, ...hello });
  }

  #tell([name, data]: News): void {
    const isFull = this.#response.writableLength > MOST_UNSENT;
    if (isFull) {
      this.#fullSince ??= performance.now();
      if (performance.now() - this.#fullSince > PATIENCE_MS) this.#response.destroy();
      return;
    }
    // A tick is what has changed since the one before, which the page may not have.
    const isBehind = this.#fullSince !== undefined;
    this.#fullSince = undefined;
    if (name === 'hello' || (name === 'tick' && isBehind)) this.#hello();
    else this.#write(name, data);
  }

  /** JSON is one line, which is what an event's data has to be. */
  #write(name: string, data: object): void {
    this.#response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }
}
