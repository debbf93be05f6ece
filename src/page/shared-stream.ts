/** Has the tabs of one browser share one stream: the tab that holds a lock reads it, and tells the others. A browser opens six connections to one place. */
import { type Known, type News, Stream } from './stream.ts';

/** What tabs tell each other: one that has come asks what is known; `to`: only that tab is told. */
type Message = { readonly asks: string } | { readonly news: News; readonly to?: string };

export interface Listener {
  take(news: News): void;
  /** What the page knows, as a page that has just come has to know it; `undefined`: nothing yet. */
  readonly known: Known | undefined;
}

export class SharedStream {
  readonly #listener: Listener;
  readonly #stream: Stream;
  /** A page of an earlier command has another token: it shares with no page of this one. */
  readonly #name: string;
  readonly #id = crypto.randomUUID();
  #channel: BroadcastChannel | undefined;
  #ending: AbortController | undefined;
  #isReading = false;
  /** Some tab was heard. A tab that is alone tells nobody: to copy what it would say costs more than to draw it. */
  #hasOthers = false;
  /** Without a hello, what has changed says nothing. */
  #isGreeted = false;
  #silence: News | undefined;

  constructor(listener: Listener, token: string) {
    this.#listener = listener;
    this.#name = `heddle ${token}`;
    this.#stream = new Stream((news) => this.#read(news), token);
  }

  open(): void {
    if (this.#ending !== undefined) return;
    const ending = new AbortController();
    this.#ending = ending;
    this.#isGreeted = false;
    // At an address that is not of this machine, browsers give no locks.
    if (navigator.locks === undefined) return this.#stream.open();
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.addEventListener('message', ({ data }) => this.#hear(data as Message));
    this.#post({ asks: this.#id });
    const { signal } = ending;
    navigator.locks.request(this.#name, { signal }, async () => this.#lead(signal)).catch(() => {}); // It was closed first.
  }

  /** Lets go of the stream: another tab reads it. */
  close(): void {
    this.#ending?.abort();
    this.#ending = undefined;
    this.#stream.close();
    this.#channel?.close();
    this.#channel = undefined;
  }

  /** Has the lock until `signal` says that it is over. */
  async #lead(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#isReading = true;
    this.#stream.open();
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    this.#isReading = false;
  }

  #read(news: News): void {
    this.#silence = news[0] === 'silent' ? news : undefined;
    this.#listener.take(news);
    if (this.#hasOthers) this.#post({ news });
  }

  #hear(message: Message): void {
    this.#hasOthers = true;
    if ('asks' in message) return this.#answer(message.asks);
    const { news, to = this.#id } = message;
    if (to !== this.#id || this.#isReading) return;
    if (news[0] === 'hello') this.#isGreeted = true;
    if (this.#isGreeted || news[0] === 'silent') this.#listener.take(news);
  }

  #answer(to: string): void {
    const { known } = this.#listener;
    if (!this.#isReading) return;
    if (known !== undefined) this.#post({ to, news: ['hello', known] });
    if (this.#silence !== undefined) this.#post({ to, news: this.#silence });
  }

  #post(message: Message): void {
    this.#channel?.postMessage(message);
  }
}
