// Shows waits as they happen: bars on a terminal, a line a second elsewhere.

const BARS = '▁▂▃▄▅▆▇█';
const NAME_WIDTH = 10;
/** As many bars as fit beside the name and the figure. */
const SHOWN = Math.max(10, Math.min(50, (process.stdout.columns ?? 80) - NAME_WIDTH - 24));
/** The colour of waits up to so many ms: grey, yellow, orange, red. */
const COLOURS = [
  [5, '\x1b[38;5;250m'],
  [20, '\x1b[38;5;220m'],
  [100, '\x1b[38;5;208m'],
  [Infinity, '\x1b[38;5;196m'],
];
const PLAIN = '\x1b[0m';

const colour = (ms) => COLOURS.find(([upTo]) => ms <= upTo)[1];

/** A bar grows with the logarithm of the wait: 1 ms is the lowest, 300 ms and more the highest. */
function bar(ms) {
  const part = Math.log(Math.max(1, ms)) / Math.log(300);
  return BARS[Math.min(BARS.length - 1, Math.floor(part * BARS.length))];
}

const inMs = (ms) => `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;

/** `history` has the worst wait of each tick of each server, by its name. */
export class Bars {
  #drawn = false;

  show(history) {
    const lines = Object.entries(history).map(([name, waits]) => {
      const shown = waits.slice(-SHOWN);
      const bars = shown.map((ms) => `${colour(ms)}${bar(ms)}`).join('') + ' '.repeat(SHOWN - shown.length);
      const worst = Math.max(...shown);
      return `  ${name.padEnd(NAME_WIDTH)}${bars}${PLAIN}  worst wait ${colour(worst)}${inMs(worst).padStart(7)}${PLAIN}`;
    });
    const up = this.#drawn ? `\x1b[${lines.length}A` : '';
    process.stdout.write(`${up}${lines.map((line) => `\r\x1b[2K${line}\n`).join('')}`);
    this.#drawn = true;
  }
}

export class Lines {
  #ticks = 0;
  #ticksPerLine;

  constructor(ticksPerLine) {
    this.#ticksPerLine = ticksPerLine;
  }

  show(history) {
    if (++this.#ticks % this.#ticksPerLine !== 0) return;
    const parts = Object.entries(history).map(([name, waits]) => {
      return `${name}: worst wait ${inMs(Math.max(...waits.slice(-this.#ticksPerLine))).padStart(7)}`;
    });
    console.log(`  ${parts.join('    ')}`);
  }
}

export function showSummary(waitsOf) {
  for (const [name, waits] of Object.entries(waitsOf)) {
    const median = waits[Math.floor(waits.length / 2)];
    const replies = waits.length.toLocaleString('en-GB').padStart(6);
    console.log(
      `  ${name.padEnd(NAME_WIDTH)}worst ${inMs(waits.at(-1)).padStart(7)}    median ${inMs(median).padStart(7)}    ${replies} replies`,
    );
  }
}
