/** Tells one page what happens, as server-sent events; a page that does not read gets less, and is cut off in the end. */
import type { ServerResponse } from 'node:http';
import type { Feed } from './feed.ts';

/** A page that has not taken so many bytes is told nothing more for now. */
const MOST_UNSENT = 256 * 1024;
/** How long that may last, in ms. */
const PATIENCE_MS = 10_000;

export class EventStream {
  readonly #response: ServerResponse;
  readonly #stop: () => void;
  /** Since when the page has not read. */
  #fullSince: number | undefined;

  constructor(response: ServerResponse, feed: Feed) {
    this.#response = response;
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    });
    const { hello } = feed;
    if (hello !== undefined) this.#write('hello', hello);
    this.#stop = feed.watch((news) => this.#tell('gone' in news ? 'gone' : 'tick', news));
    response.once('close', this.#stop);
    response.on('error', () => {});
  }

  close(): void {
    this.#stop();
    this.#response.end();
  }

  #tell(name: string, data: object): void {
    if (this.#response.writableLength <= MOST_UNSENT) {
      this.#fullSince = undefined;
      this.#write(name, data);
      return;
    }
    this.#fullSince ??= performance.now();
    if (performance.now() - this.#fullSince > PATIENCE_MS) this.#response.destroy();
  }

  /** JSON is one line, which is what an event's data has to be. */
  #write(name: string, data: object): void {
    this.#response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }
}
