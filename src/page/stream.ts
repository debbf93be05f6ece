/** Reads what the command tells the page, and comes back when the connection is lost. */
import type { Hello, Rights, Tick } from '../admin/view/frames.ts';
import { refusalIn } from './ask.ts';

/** What a page knows first, and may do. */
export type Known = Hello & { readonly rights: Rights };

/** `silent`: the server does not answer the command, or the command does not answer the page. */
export type News =
  | readonly [name: 'hello', data: Known]
  | readonly [name: 'tick', data: Tick]
  | readonly [name: 'silent', why: string];

const [SHORTEST_MS, LONGEST_MS] = [500, 8_000];

export class Stream {
  readonly #tell: (news: News) => void;
  readonly #token: string;
  #ending: AbortController | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #pauseMs = SHORTEST_MS;

  constructor(tell: (news: News) => void, token: string) {
    this.#tell = tell;
    this.#token = token;
  }

  open(): void {
    if (this.#ending !== undefined) return;
    const ending = new AbortController();
    this.#ending = ending;
    this.#read(ending.signal)
      .catch((error: unknown) =>
        error instanceof Refused ? error.message : 'The command heddle page does not answer.',
      )
      .then((why) => this.#lost(ending, why ?? 'The command heddle page has ended.'))
      .catch(() => {});
  }

  close(): void {
    clearTimeout(this.#again);
    this.#ending?.abort();
    this.#ending = undefined;
  }

  #lost(ending: AbortController, why: string): void {
    if (this.#ending !== ending) return;
    this.#tell(['silent', why]);
    this.#ending = undefined;
    this.#again = setTimeout(() => this.open(), this.#pauseMs * (1 + Math.random() / 4));
    this.#pauseMs = Math.min(LONGEST_MS, this.#pauseMs * 2);
  }

  async #read(signal: AbortSignal): Promise<undefined> {
    const response = await fetch('/v1/stream', { headers: { Authorization: `Bearer ${this.#token}` }, signal });
    if (!response.ok || response.body === null) throw new Refused(await refusalIn(response));
    this.#pauseMs = SHORTEST_MS;
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      const events = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) this.#take(event);
    }
  }

  #take(event: string): void {
    const [, name, data = '{}'] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
    const told: unknown = JSON.parse(data);
    if (name === 'hello') this.#tell(['hello', told as Known]);
    else if (name === 'tick') this.#tell(['tick', told as Tick]);
    else if (name === 'gone') this.#tell(['silent', (told as { readonly gone: string }).gone]);
  }
}

class Refused extends Error {}
