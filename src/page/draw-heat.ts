/** Draws how long clients waited: a column a second, darker where more messages waited so long, a dot for the longest. */
import type { Heat } from '../admin/view/frames.ts';
import type { Picture } from './canvas.ts';

/** The powers of two of µs that are shown: from 8 µs to 33 s. */
const [FIRST, LAST] = [3, 25];
const SECONDS = 60;
const BOTTOM = 20;
/** A wait that somebody notices, in µs. */
const LONG_US = 100_000;

const MARKS = [
  [10, '10 µs'],
  [100, '100 µs'],
  [1_000, '1 ms'],
  [10_000, '10 ms'],
  [100_000, '100 ms'],
  [1_000_000, '1 s'],
  [10_000_000, '10 s'],
] as const;

export function drawHeat({ colours, context, height, width }: Picture, heats: readonly Heat[], now: number): void {
  const edge = context.measureText('100 ms').width + 8;
  const rows = LAST - FIRST + 1;
  const [column, row] = [(width - edge) / SECONDS, (height - BOTTOM) / rows];
  const level = (power: number): number => height - BOTTOM - (power - FIRST + 1) * row;
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  context.fillStyle = colours.dim;
  for (const [us, text] of MARKS) context.fillText(text, edge - 6, level(Math.log2(us)) + row);
  for (const { counts, time } of heats) {
    const left = width - ((now - time) / 1000 + 1) * column;
    if (left < edge - 1 || time > now) continue;
    const all = counts.reduce((sum, count) => sum + count, 0);
    let worst = -1;
    for (const [power, count] of counts.entries()) {
      if (count === 0) continue;
      worst = Math.min(LAST, Math.max(FIRST, power));
      context.fillStyle = colours.stay;
      context.globalAlpha = 0.15 + 0.85 * Math.sqrt(count / all);
      context.fillRect(left, level(worst), Math.max(1, column - 1), Math.max(1, row - 1));
    }
    context.globalAlpha = 1;
    if (worst < 0) continue;
    context.fillStyle = 2 ** worst >= LONG_US ? colours.alarm : colours.text;
    context.beginPath();
    context.arc(left + column / 2, level(worst) + row / 2, 2 ** worst >= LONG_US ? 3 : 1.5, 0, 2 * Math.PI);
    context.fill();
  }
  drawAxis({ context, colours, height, width }, edge);
}

function drawAxis({ colours, context, height, width }: Picture, edge: number): void {
  context.fillStyle = colours.dim;
  context.textBaseline = 'bottom';
  context.textAlign = 'left';
  context.fillText(`−${SECONDS} s`, edge, height);
  context.textAlign = 'right';
  context.fillText('now', width, height);
}
