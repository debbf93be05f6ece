/** Reads a framing from the command line or the environment. */
import { HeddleError } from '../errors.ts';
import type { FramingSpec } from './framing-spec.ts';

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0', '\\': '\\' };

const LINES: Readonly<Record<string, FramingSpec>> = {
  'line:refuse': { line: 'lf', atEnd: 'refuse' },
  'line:crlf': { line: 'crlf' },
  'line:crlf,refuse': { line: 'crlf', atEnd: 'refuse' },
};

/**
 * Reads a framing as written on a command line: `chunk`, `line`, `line:refuse`, `line:crlf`, `line:crlf,refuse`, `length`, `end`;
 * `length:SIZE,NAME=VALUE,…`, as in `length:2,at=4,message=frame`, where SIZE is 1, 2, 3, 4, 8, `varint` or `varint5`;
 * `delimiter:TEXT`; or `marks:START,END,…`. TEXT, START and END may contain the escapes `\n \r \t \0 \xHH \\`.
 * Throws HEDDLE_INVALID_OPTION for what is none of these; `createFraming` checks the names and values of a length field.
 */
export function parseFramingSpec(text: string): FramingSpec {
  if (text === 'chunk' || text === 'line' || text === 'length' || text === 'end') return text;
  const line = Object.hasOwn(LINES, text) ? LINES[text] : undefined;
  if (line !== undefined) return line;
  if (text.startsWith('length:')) return parseLength(text.slice('length:'.length), text);
  if (text.startsWith('delimiter:')) return { delimiter: parseMark('delimiter', text.slice('delimiter:'.length)) };
  if (text.startsWith('marks:')) return parseMarks(text.slice('marks:'.length));
  throw unknown(text);
}

function parseLength(said: string, text: string): FramingSpec {
  const [width = '', ...parts] = said.split(',');
  const [, digits, varint] = /^(?:(\d)|varint(\d?))$/.exec(width) ?? [];
  if (digits === undefined && varint === undefined) throw unknown(text);
  if (digits !== undefined && '124'.includes(digits) && parts.length === 0)
    return { length: Number(digits) as 1 | 2 | 4 };
  const size = digits !== undefined ? Number(digits) : varint === '' ? 'varint' : { varint: Number(varint) };
  const field: Record<string, unknown> = { size };
  for (const part of parts) {
    const [name = '', value] = part.split('=');
    if (value === undefined || name === 'size') throw unknown(text);
    field[name] = /^-?\d+$/.test(value) ? Number(value) : value;
  }
  return { length: field } as unknown as FramingSpec;
}

function parseMarks(said: string): FramingSpec {
  const [start = '', ...ends] = said.split(',');
  if (ends.length === 0) throw invalid('needs START,END after marks: as in marks:\\x0b,\\x1c\\r');
  const delimiter = ends.map((end) => parseMark('marks', end));
  return start === '' ? { delimiter } : { start: parseMark('marks', start), delimiter };
}

function parseMark(name: string, text: string): Uint8Array {
  if (text === '') throw invalid(`needs a text after ${name}: as in delimiter:\\r\\n or marks:\\x0b,\\x1c\\r`);
  const parts = text.match(/\\x[0-9a-fA-F]{2}|\\[^]?|[^\\]+/g) ?? [];
  return Uint8Array.from(Buffer.concat(parts.map(parsePart)));
}

function parsePart(part: string): Buffer {
  if (!part.startsWith('\\')) return Buffer.from(part);
  if (part.length === 4) return Buffer.from(part.slice(2), 'hex');
  const character = ESCAPES[part.slice(1)];
  if (character !== undefined) return Buffer.from(character);
  throw invalid(`has ${JSON.stringify(part)} in a mark; the escapes are \\n \\r \\t \\0 \\xHH \\\\`);
}

function unknown(text: string): HeddleError {
  const forms =
    'chunk, line[:crlf][,refuse], length, length:SIZE[,NAME=VALUE], delimiter:TEXT, marks:START,END or end (docs/framing.md)';
  return invalid(`must be ${forms}, got ${JSON.stringify(text)}`);
}

function invalid(problem: string): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', `options.framing ${problem}`);
}
