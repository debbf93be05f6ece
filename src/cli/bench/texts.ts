/** Says what the clients send, and what they expect. */

import { readFileSync } from 'node:fs';
import { HeddleError } from '../../errors.ts';
import { escapeText } from '../../log/escape.ts';
import { type Expected, NONCE, NONCE_LENGTH } from '../../load/messages.ts';
import { type Random, seededRandom } from '../../load/random.ts';
import type { BenchSettings } from './bench-command-options.ts';
import { parseSizes, type Range } from './ranges.ts';

/** How many texts of different sizes are sent in turn; a prime, so clients do not get the same ones again and again. */
const SIZES = 61;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** The texts that are sent in turn. Throws HEDDLE_INVALID_OPTION. */
export function textsFor({ message, messageFile, seed, size }: BenchSettings): readonly string[] {
  if (message !== undefined && messageFile !== undefined)
    throw invalid('--message and --message-file both say what is sent: give one of them');
  if (message !== undefined) return [message];
  return messageFile === undefined ? generatedTexts(parseSizes(size), seed) : linesOf(messageFile);
}

/** One text, or of sizes between two: as many as show all of them, each as often. */
function generatedTexts({ from, to }: Range, seed: number): readonly string[] {
  const random = seededRandom(seed);
  if (from === to) return [lettersOf(from, random)];
  return Array.from({ length: SIZES }, (_, index) => {
    const part = (index + random()) / SIZES;
    return { order: random(), text: lettersOf(from + Math.floor(part * (to - from + 1)), random) };
  })
    .sort((one, other) => one.order - other.order)
    .map(({ text }) => text);
}

function lettersOf(size: number, random: Random): string {
  const letter = (): string => LETTERS[Math.floor(random() * LETTERS.length)] ?? '';
  return NONCE + Array.from({ length: size - NONCE_LENGTH }, letter).join('');
}

function linesOf(file: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new HeddleError('HEDDLE_INVALID_OPTION', `--message-file cannot be read: ${file}: ${code ?? message}`, {
      cause,
    });
  }
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  if (lines.length === 0) throw invalid(`--message-file has no message: each line of ${file} that is not empty is one`);
  return lines;
}

/** What `--expect` says; `undefined`: the server is asked. Throws HEDDLE_INVALID_OPTION. */
export function parseExpected(text: string): Expected | undefined {
  if (text === 'auto') return undefined;
  if (text === 'echo' || text === 'reverse' || text === 'upper' || text === 'lower' || text === 'any')
    return { kind: text };
  if (text.startsWith('=')) return { kind: 'same', text: text.slice(1) };
  const [, source, flags = ''] = /^\/(.+)\/([imsu]*)$/.exec(text) ?? [];
  if (source === undefined)
    throw invalid(
      `--expect must be auto, echo, reverse, upper, lower, any, =TEXT or /PATTERN/, got ${JSON.stringify(text)}`,
    );
  try {
    return { kind: 'pattern', source: new RegExp(source, flags).source, flags };
  } catch (cause) {
    throw invalid(`--expect is no pattern: ${(cause as Error).message}`);
  }
}

/** How the report says what was expected. */
export function expectedText(expected: Expected): string {
  if (expected.kind === 'any') return 'replies are only counted: nothing says what a right one is (--expect)';
  if (expected.kind === 'same') return `each reply is checked: ${JSON.stringify(escapeText(shortened(expected.text)))}`;
  if (expected.kind === 'pattern') return `each reply is checked: /${escapeText(expected.source)}/${expected.flags}`;
  return `each reply is checked: ${expected.kind}`;
}

const SHOWN = 40;

function shortened(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

function invalid(text: string): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', text);
}
