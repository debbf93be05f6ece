/** Says what the clients send, and what they expect. */

import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { HeddleError } from '../../errors.ts';
import { escapeText } from '../../log/escape.ts';
import type { Expected } from '../../load/messages/expected.ts';
import { NONCE, NONCE_LENGTH } from '../../load/messages/fields.ts';
import { type Random, seededRandom } from '../../load/random.ts';
import type { BenchSettings } from './bench-command-options.ts';
import { parseSizes, type Range } from './ranges.ts';

/** How many texts of different sizes are sent in turn; a prime, so clients do not get the same ones again and again. */
const SIZES = 61;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

const WORDS = ['echo', 'reverse', 'upper', 'lower', 'length', 'none'] as const;
const MODULE = /\.[cm]?[jt]s$/;
/** A field that lacks what it needs. */
const BAD_FIELD = /\{random(?!:[1-9]\d{0,5}\})[^}]*\}/;

/** The texts that are sent in turn. Throws HEDDLE_INVALID_OPTION. */
export function textsFor(settings: BenchSettings): readonly string[] {
  const texts = givenTexts(settings);
  const [bad] = texts.flatMap((text) => BAD_FIELD.exec(text) ?? []);
  if (bad !== undefined)
    throw invalid(`A message has the field ${bad}, which needs a number of letters from 1 to 999999: {random:16}`);
  return texts;
}

function givenTexts({ message, messageFile, seed, size }: BenchSettings): readonly string[] {
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
  const word = WORDS.find((each) => each === text);
  if (word !== undefined) return { kind: word };
  if (MODULE.test(text) && !text.startsWith('=')) return { kind: 'module', href: moduleAt(text) };
  if (text.startsWith('=')) return { kind: 'same', text: text.slice(1) };
  const [, source, flags = ''] = /^\/(.+)\/([imsu]*)$/.exec(text) ?? [];
  if (source === undefined)
    throw invalid(
      `--expect must be auto, ${WORDS.join(', ')}, =TEXT, /PATTERN/ or the path of a module such as check.js, got ${JSON.stringify(text)}`,
    );
  try {
    return { kind: 'pattern', source: new RegExp(source, flags).source, flags };
  } catch (cause) {
    throw invalid(`--expect is no pattern: ${(cause as Error).message}`);
  }
}

function moduleAt(path: string): string {
  if (!existsSync(path)) throw invalid(`--expect names a module, and there is no file ${path}`);
  return pathToFileURL(path).href;
}

/** How the report says what was expected. */
export function expectedText(expected: Expected): string {
  if (expected.kind === 'none') return 'replies are only counted: nothing says what a right one is (--expect)';
  if (expected.kind === 'same') return `each reply is checked: ${JSON.stringify(escapeText(shortened(expected.text)))}`;
  if (expected.kind === 'pattern') return `each reply is checked: /${escapeText(expected.source)}/${expected.flags}`;
  if (expected.kind === 'module') return `each reply is checked: ${escapeText(basename(expected.href))}`;
  return `each reply is checked: ${expected.kind}`;
}

const SHOWN = 40;

function shortened(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

function invalid(text: string): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', text);
}
