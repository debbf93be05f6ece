/** Builds lines for a terminal: styled pieces of text that are cut to the width of the screen. */
import { escapeText } from '../../log/escape.ts';

export type Style = 'plain' | 'bold' | 'dim' | 'alarm' | 'warn' | 'good';
export type Line = readonly (readonly [text: string, style?: Style | undefined])[];

/** Select Graphic Rendition (ECMA-48): what goes before and after a text. Colours are those of the user's theme. */
const SGR: Readonly<Record<Style, readonly [string, string]>> = {
  plain: ['', ''],
  bold: ['\x1b[1m', '\x1b[22m'],
  dim: ['\x1b[2m', '\x1b[22m'],
  alarm: ['\x1b[1;31m', '\x1b[22;39m'],
  warn: ['\x1b[33m', '\x1b[39m'],
  good: ['\x1b[32m', '\x1b[39m'],
};

const graphemes = new Intl.Segmenter();

/** East Asian wide and full-width characters, and emoji, take two columns; marks that join what is before them take none. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u;
const ALONE = /^[\p{Mn}\p{Me}\u200b-\u200d]+$/u;

/** ASCII and our own symbols: almost all text is of these, and to look for graphemes in it takes most of a draw. */
const SINGLE = /^[\x20-\x7e·–−“”’…←↑→↓≤▏▎▍▌▋▊▉█▸]*$/;

/** How many columns `text` takes. */
export function widthOf(text: string): number {
  if (SINGLE.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += columnsOf(segment);
  return width;
}

function columnsOf(grapheme: string): number {
  if (ALONE.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}

/** `text` in `columns` columns at most; an ellipsis stands for what is cut off. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let [kept, width] = ['', 0];
  for (const { segment } of graphemes.segment(text)) {
    width += columnsOf(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return columns > 0 ? `${kept}…` : '';
}

/** `text` in exactly `columns` columns. */
export function padded(text: string, columns: number, isNumber = false): string {
  const short = cut(text, columns);
  const space = ' '.repeat(columns - widthOf(short));
  return isNumber ? space + short : short + space;
}

/** What stands for our own symbols where a terminal has ASCII only; each takes one column. */
const ASCII: readonly (readonly [RegExp, string])[] = [
  [/[▏▎▍]/g, ' '],
  [/[▌▋▊▉█]/g, '#'],
  [/[▸]/g, '>'],
  [/[←≤]/g, '<'],
  [/[–−]/g, '-'],
  [/[·]/g, '|'],
  [/[…]/g, '~'],
  [/[“”]/g, '"'],
  [/[’]/g, "'"],
  [/[↑]/g, '^'],
  [/[↓]/g, 'v'],
];

/** `text` without our own symbols; names of files stay as they are. */
export function asciiText(text: string): string {
  return ASCII.reduce((rest, [symbol, stand]) => rest.replaceAll(symbol, stand), text);
}

/** The text of a line, in `columns` columns at most. Nothing in it does what a terminal would act upon. */
export function lineText(line: Line, columns: number, hasColours: boolean): string {
  let [text, left] = ['', columns];
  for (const [piece, style = 'plain'] of line) {
    const short = cut(escapeText(piece), left);
    left -= widthOf(short);
    const [before, after] = hasColours && short !== '' ? SGR[style] : SGR.plain;
    text += before + short + after;
  }
  return text;
}

/** `text` as lines of `columns` columns at most, broken between words. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    const fits = last !== undefined && widthOf(last) + 1 + widthOf(word) <= columns;
    if (fits) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
