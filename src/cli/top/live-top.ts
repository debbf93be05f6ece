/** Keeps a terminal up to date with a server until somebody leaves it, and leaves it as it was. */
import type { Sample } from '../../admin/view/sample.ts';
import { type View, viewOf } from '../../admin/view/view.ts';
import { durationText } from '../../admin/words.ts';
import { Deferred } from '../../server/deferred.ts';
import type { Terminal } from '../terminal.ts';
import { Browsing, type Questions } from './browsing.ts';
import { keysIn } from './keys.ts';
import { asciiText, type Line, lineText } from './line.ts';
import { Screen } from './screen.ts';

export interface TopTerminal extends Terminal {
  readonly stdin: Terminal['stdin'] & { readonly setRawMode?: (isRaw: boolean) => unknown };
  readonly stdout: Terminal['stdout'] & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };
}

/** The process, for its signals; a test has its own. */
export interface Signals {
  on(name: string, listener: () => void): unknown;
  off(name: string, listener: () => void): unknown;
  readonly pid: number;
  kill(pid: number, signal: NodeJS.Signals): unknown;
}

interface Parts {
  readonly take: () => Promise<Sample>;
  readonly intervalMs: number;
  readonly hasColours: boolean;
  readonly isAscii?: boolean;
  readonly questions: Questions;
  /** What clients are looked for at first, and by what they are sorted. */
  readonly filter?: string;
  readonly sort?: string;
  readonly terminal: TopTerminal;
  readonly signals: Signals;
}

/** What a shell shows for a process that the signal ended. */
const STATUS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

const [CTRL_C, CTRL_L, CTRL_Z] = ['\x03', '\x0c', '\x1a'];
/** A server that has not answered for this long is said to be silent, in ms. */
const SILENT_MS = 2_000;
const LOOK_MS = 1_000;
/** The size of a terminal that does not say, or says 0. */
const [COLUMNS, ROWS] = [80, 24];

const KEYS: Line = [
  ['q', 'bold'],
  [' quit  ', 'dim'],
  ['space', 'bold'],
  [' pause  ', 'dim'],
  ['t', 'bold'],
  [' threads  ', 'dim'],
  ['c', 'bold'],
  [' clients  ', 'dim'],
  ['l', 'bold'],
  [' turns  ', 'dim'],
  ['e', 'bold'],
  [' events  ', 'dim'],
  ['g', 'bold'],
  [' gone  ', 'dim'],
  ['?', 'bold'],
  [' help', 'dim'],
];
const PAUSED: Line = [['paused', 'warn'], ['   space', 'bold'], [' go on   '], ['q', 'bold'], [' quit']];

export class LiveTop {
  readonly #parts: Parts;
  readonly #screen: Screen;
  readonly #browsing: Browsing;
  readonly #ended = new Deferred<number>();
  readonly #listeners: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #last: Sample | undefined;
  #view: View | undefined;
  #answeredAt = performance.now();
  /** Since the last look. */
  #isDrawn = false;
  #isPaused = false;
  /** Keys are done one after the other: one may ask the server. */
  #typing = Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#screen = new Screen(parts.terminal.stdout);
    this.#browsing = new Browsing(parts.questions, parts.filter ?? '', parts.sort ?? 'idle');
  }

  /** Gives the exit status. Rejects if the server does not answer any more. */
  async run(): Promise<number> {
    this.#last = await this.#parts.take();
    this.#view = viewOf(this.#last);
    await this.#browsing.refresh();
    this.#listen();
    try {
      this.#enter();
      this.#draw();
      this.#wait();
      return await this.#ended.promise;
    } finally {
      clearTimeout(this.#timer);
      this.#browsing.end();
      for (const stop of this.#listeners) stop();
      this.#leave();
      this.#parts.terminal.stdin.pause();
    }
  }

  #listen(): void {
    const { signals, terminal } = this.#parts;
    for (const [signal, status] of Object.entries(STATUS)) this.#on(signals, signal, () => this.#ended.resolve(status));
    this.#on(signals, 'SIGCONT', () => this.#enter());
    this.#on(signals, 'exit', () => this.#leave()); // Whatever ends the process.
    this.#on(terminal.stdout, 'resize', () => this.#repaint());
    this.#on(terminal.stdout, 'error', () => this.#ended.resolve(STATUS.SIGHUP));
    this.#on(terminal.stdin, 'data', (data) => this.#typed(String(data)));
    this.#on(terminal.stdin, 'end', () => this.#ended.resolve(STATUS.SIGHUP));
    this.#on(terminal.stdin, 'error', () => this.#ended.resolve(STATUS.SIGHUP));
    const look = setInterval(() => this.#look(), LOOK_MS);
    this.#listeners.push(() => clearInterval(look));
  }

  #on(
    source: { on(name: string, listener: (data?: unknown) => void): unknown; off: Signals['off'] },
    name: string,
    listener: (data?: unknown) => void,
  ): void {
    source.on(name, listener);
    this.#listeners.push(() => void source.off(name, listener));
  }

  #wait(): void {
    this.#timer = setTimeout(() => {
      this.#update().catch((error: unknown) => this.#ended.reject(error));
    }, this.#parts.intervalMs);
  }

  async #update(): Promise<void> {
    if (!this.#isPaused) {
      const [sample] = await Promise.all([this.#parts.take(), this.#browsing.refresh()]);
      this.#answeredAt = performance.now();
      // A key may have been pressed meanwhile.
      if (!this.#isPaused) this.#view = viewOf(sample, this.#last);
      this.#last = sample;
      this.#draw();
    }
    this.#wait();
  }

  #typed(text: string): void {
    this.#typing = this.#typing.then(async () => this.#keys(keysIn(text)));
    this.#typing.catch((error: unknown) => this.#ended.reject(error));
  }

  async #keys(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      if (key === CTRL_C) return this.#ended.resolve(0);
      if (key === CTRL_Z) this.#suspend();
      else if (key === CTRL_L) this.#screen.forget();
      else if (!(await this.#browsing.key(key))) {
        if (key === 'q' || key === 'Q') return this.#ended.resolve(0);
        if (key === ' ') this.#isPaused = !this.#isPaused;
      }
      if (!this.#isPaused) this.#answeredAt = performance.now();
      this.#draw(); // The next key is about what this one shows.
    }
  }

  /** Has the process stopped, as a shell's job; SIGCONT brings it back. */
  #suspend(): void {
    const { signals } = this.#parts;
    this.#leave();
    signals.kill(signals.pid, 'SIGTSTP');
  }

  #enter(): void {
    this.#parts.terminal.stdin.setRawMode?.(true);
    this.#screen.enter();
    this.#draw();
  }

  #leave(): void {
    this.#screen.leave();
    this.#parts.terminal.stdin.setRawMode?.(false);
  }

  /** Without samples, what is drawn grows old: it says for how long. */
  #look(): void {
    if (!this.#isDrawn) this.#draw();
    this.#isDrawn = false;
  }

  #repaint(): void {
    this.#screen.forget();
    this.#draw();
  }

  #draw(): void {
    if (this.#view === undefined) return;
    this.#isDrawn = true;
    const { hasColours, intervalMs, isAscii = false, terminal } = this.#parts;
    const [columns, rows] = [terminal.stdout.columns || COLUMNS, terminal.stdout.rows || ROWS];
    const silentMs = performance.now() - this.#answeredAt - intervalMs;
    const footer = this.#isPaused ? PAUSED : silentMs > SILENT_MS ? silentLine(silentMs) : KEYS;
    const lines = this.#browsing.lines(this.#view, { columns, rows }, footer);
    const texts = lines.map((line) => lineText(line, columns, hasColours));
    this.#screen.draw(isAscii ? texts.map(asciiText) : texts);
  }
}

function silentLine(ms: number): Line {
  return [[`no word from the server for ${durationText(ms)}`, 'alarm'], ['   q', 'bold'], [' quit']];
}
