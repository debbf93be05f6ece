/** Has a terminal show lines, writes only those that changed, and leaves the terminal as it was. */
import type { Writable } from 'node:stream';

const ESC = '\x1b[';
/** The other screen, no cursor, and no wrap at the right edge. */
const ENTER = `${ESC}?1049h${ESC}?25l${ESC}?7l${ESC}2J`;
const LEAVE = `${ESC}?7h${ESC}?25h${ESC}?1049l`;
/** A terminal that knows synchronized output shows all of what is between at once; others pass over both. */
const BEGIN = `${ESC}?2026h`;
const END = `${ESC}?2026l`;
/** A terminal that has not taken so many bytes gets no further frame for now. */
const MOST_UNSENT = 64 * 1024;

export class Screen {
  readonly #output: Writable;
  #isEntered = false;
  /** What the terminal shows. */
  #shown: readonly string[] = [];
  #isStale = true;

  constructor(output: Writable) {
    this.#output = output;
  }

  enter(): void {
    this.#isEntered = true;
    this.#isStale = true;
    this.#output.write(ENTER);
  }

  leave(): void {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    this.#output.write(LEAVE);
  }

  /** What the terminal shows is not known any more: the next frame is written whole. */
  forget(): void {
    this.#isStale = true;
  }

  draw(lines: readonly string[]): void {
    if (!this.#isEntered) return;
    if (this.#output.writableLength > MOST_UNSENT) return;
    const clear = this.#isStale ? `${ESC}2J` : '';
    const shown = this.#isStale ? [] : this.#shown;
    let frame = clear;
    for (let row = 0; row < Math.max(lines.length, shown.length); row++) {
      const line = lines[row] ?? '';
      if (line !== (shown[row] ?? '')) frame += `${ESC}${row + 1};1H${line}${ESC}K`;
    }
    this.#shown = lines;
    this.#isStale = false;
    if (frame !== '') this.#output.write(BEGIN + frame + END);
  }
}
