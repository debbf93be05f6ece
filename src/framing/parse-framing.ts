/** Reads a framing from the command line or the environment. */
import { HeddleError } from '../errors.ts';
import type { FramingSpec } from './framing-spec.ts';

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0', '\\': '\\' };

/**
 * Reads a framing as written on a command line: `chunk`, `line`, `line:refuse`, `length`, `length:1`, `length:2`, `length:4`, `end`,
 * or `delimiter:TEXT`, where TEXT may contain the escapes `\n \r \t \0 \xHH \\`. Throws HEDDLE_INVALID_OPTION.
 */
export function parseFramingSpec(text: string): FramingSpec {
  if (text === 'chunk' || text === 'line' || text === 'length' || text === 'end') return text;
  if (text === 'line:refuse') return { line: 'lf', atEnd: 'refuse' };
  if (text === 'length:1') return { length: 1 };
  if (text === 'length:2') return { length: 2 };
  if (text === 'length:4') return { length: 4 };
  if (text.startsWith('delimiter:')) return { delimiter: parseDelimiter(text.slice('delimiter:'.length)) };
  throw invalid(
    `must be chunk, line, length, length:1, length:2, length:4, line:refuse, delimiter:TEXT or end, got ${JSON.stringify(text)}`,
  );
}

function parseDelimiter(text: string): Uint8Array {
  if (text === '') throw invalid('needs a text after delimiter: as in delimiter:\\r\\n');
  const parts = text.match(/\\x[0-9a-fA-F]{2}|\\[^]?|[^\\]+/g) ?? [];
  return Uint8Array.from(Buffer.concat(parts.map(parsePart)));
}

function parsePart(part: string): Buffer {
  if (!part.startsWith('\\')) return Buffer.from(part);
  if (part.length === 4) return Buffer.from(part.slice(2), 'hex');
  const character = ESCAPES[part.slice(1)];
  if (character !== undefined) return Buffer.from(character);
  throw invalid(`has ${JSON.stringify(part)} in its delimiter; the escapes are \\n \\r \\t \\0 \\xHH \\\\`);
}

function invalid(problem: string): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', `options.framing ${problem}`);
}
