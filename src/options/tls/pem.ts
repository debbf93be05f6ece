/** Reads a PEM file, or takes its text as given, and names it in errors. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { HeddleError } from '../../errors.ts';
import type { Pem } from './tls-type.ts';

const BEGIN = '-----BEGIN ';

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'no permission to read it',
  EISDIR: 'it is a directory',
};

/** What some editors put before text of UTF-8; OpenSSL takes it for a part of the first line. */
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';

function textOf(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text;
}

/** The text of a PEM file. */
export interface PemText {
  readonly text: string;
  /** How errors name it: the option, and the file if it is one. */
  readonly name: string;
}

/** Whether `pem` names a file. */
export function isPath(pem: Pem): pem is string {
  return typeof pem === 'string' && !pem.includes(BEGIN);
}

/** Gives the text of `pem`; `option` is where it was given, such as `tls.key`. Throws HEDDLE_INVALID_OPTION. */
export function readPem(pem: Pem, option: string): PemText {
  if (!isPath(pem)) return { text: textOf(Buffer.from(pem)), name: option };
  try {
    return { text: textOf(readFileSync(pem)), name: `${option} (${pem})` };
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException;
    const why = PROBLEMS[code] ?? message;
    throw new HeddleError('HEDDLE_INVALID_OPTION', `${option}: cannot read ${resolve(pem)}: ${why}`, { cause });
  }
}
