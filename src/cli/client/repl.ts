/** Tries a server by hand: a line editor with history, replies with their round-trip times, and what the server sends by itself. */

import { clearLine, createInterface, cursorTo, type Interface } from 'node:readline';
import type { Connection } from '../../client/connection.ts';
import { peerText } from '../../client/peer-text.ts';
import { crash, HeddleError } from '../../errors.ts';
import type { ConnectSettings } from '../../options/connect-options.ts';
import { replyText } from './reply-text.ts';
import { print, type Terminal } from '../terminal.ts';

/** How long a reply may take until the next line can be typed without it, in ms: most replies come before the prompt. */
const PROMPT_AFTER_MS = 150;

/** Ends with the end of input (Ctrl-D), Ctrl-C, or the connection; with framing `end` after one message. */
export async function runRepl(connection: Connection, settings: ConnectSettings, terminal: Terminal): Promise<number> {
  const isSingle = settings.framing === 'end';
  const what = isSingle ? 'One line is the message' : 'Each line is a message';
  await print(terminal, `Connected to ${peerText(settings)}. ${what}; Ctrl-D ends.\n`);
  return new Repl(connection, settings, terminal).run(isSingle);
}

class Repl {
  readonly #connection: Connection;
  readonly #settings: ConnectSettings;
  readonly #terminal: Terminal;
  readonly #editor: Interface;
  /** When each message was sent whose reply has not come. */
  readonly #asked: number[] = [];
  /** Calls who waits for a reply, or for the end. */
  #wake: () => void = () => {};
  #isOpen = true;
  /** A line may be typed: the prompt is the last thing on the screen. */
  #isAsking = false;
  #failure: unknown;

  constructor(connection: Connection, settings: ConnectSettings, terminal: Terminal) {
    this.#connection = connection;
    this.#settings = settings;
    this.#terminal = terminal;
    this.#editor = createInterface({
      input: terminal.stdin,
      output: terminal.stdout,
      terminal: terminal.stdin.isTTY === true,
      prompt: '> ',
      historySize: 1_000,
    });
    this.#editor.on('close', () => (this.#isOpen = false));
    this.#editor.on('SIGINT', () => this.#editor.close());
  }

  async run(isSingle: boolean): Promise<number> {
    const lines = this.#editor[Symbol.asyncIterator]();
    this.#receive().catch(crash);
    this.#prompt();
    for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
      this.#isAsking = false;
      if (line.value !== '') await this.#send(line.value, isSingle);
      if (isSingle && line.value !== '') break;
      this.#prompt();
    }
    this.#editor.close();
    if (!isSingle || this.#failure !== undefined) await print(this.#terminal, '\n');
    if (this.#failure !== undefined) throw this.#failure;
    return 0;
  }

  #prompt(): void {
    if (!this.#isOpen) return;
    this.#isAsking = true;
    this.#editor.prompt(true);
  }

  /** Sends a line. From a pipe, the next one is read when the reply has come. */
  async #send(line: string, isSingle: boolean): Promise<void> {
    this.#asked.push(performance.now());
    const replied = new Promise<void>((resolve) => (this.#wake = resolve));
    try {
      await this.#connection.send(line);
    } catch (error) {
      this.#end(error);
      return;
    }
    if (this.#failure !== undefined) return;
    const isTyped = this.#terminal.stdin.isTTY === true && !isSingle;
    const timer = isTyped ? setTimeout(this.#wake, PROMPT_AFTER_MS) : undefined;
    await replied;
    clearTimeout(timer);
  }

  /** Shows each message as it comes, for as long as the connection lasts. */
  async #receive(): Promise<void> {
    try {
      for (let message = await this.#next(); message !== undefined; message = await this.#next()) {
        await this.#show(message);
        this.#wake();
      }
      this.#end(new HeddleError('HEDDLE_CLOSED', `The server at ${peerText(this.#settings)} closed the connection`));
    } catch (error) {
      this.#end(error);
    }
  }

  /** The next message; it may take as long as it likes if no reply is due. */
  async #next(): Promise<Buffer | undefined> {
    for (;;) {
      try {
        return await this.#connection.receive();
      } catch (error) {
        const [oldest = Infinity] = this.#asked;
        const isIdle = performance.now() - oldest < this.#settings.timeout;
        if (!isIdle || !(error instanceof HeddleError) || error.code !== 'HEDDLE_TIMEOUT') throw error;
      }
    }
  }

  /** Prints a message above the line that is being typed. */
  async #show(message: Buffer): Promise<void> {
    const { stdin, stdout } = this.#terminal;
    const asked = this.#asked.shift();
    const took = asked === undefined ? undefined : performance.now() - asked;
    const time = took === undefined ? '' : `  (${took.toFixed(took < 10 ? 2 : 0)} ms)`;
    const isInTheWay = stdin.isTTY === true && this.#isAsking;
    if (isInTheWay) {
      cursorTo(stdout, 0);
      clearLine(stdout, 0);
    }
    await print(this.#terminal, `${replyText(message)}${time}\n`);
    if (isInTheWay) this.#prompt();
  }

  #end(failure: unknown): void {
    this.#failure ??= failure;
    this.#editor.close();
    this.#wake();
  }
}
