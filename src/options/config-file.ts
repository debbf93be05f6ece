/** Finds and reads `heddle.config.ts`, `.js`, `.mjs` or `.json`. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorToRecord, HeddleError } from '../errors.ts';
import { escapeText } from '../log/escape.ts';
import { defaultOf, importModule } from './module-file.ts';

/** What some editors put before the text of a file. */
const BYTE_ORDER_MARK = /^\uFEFF/;

export const CONFIG_FILES = ['heddle.config.ts', 'heddle.config.js', 'heddle.config.mjs', 'heddle.config.json'];

/**
 * Names the config file of `directory`, if there is one. Throws HEDDLE_INVALID_OPTION if there are several, or if somebody
 * else may have put it there: it is code that runs as this user.
 */
export function findConfigFile(directory: string): string | undefined {
  const found = CONFIG_FILES.filter((name) => existsSync(resolve(directory, name)));
  if (found.length > 1)
    throw invalid(`${found.join(' and ')} are both in ${directory}: keep one, or choose one with --config`);
  const [name] = found;
  if (name === undefined) return undefined;
  const problem = strangerIn(directory, 'the folder') ?? strangerIn(resolve(directory, name), 'the file');
  if (problem === undefined) return name;
  throw invalid(`${name} is not taken from ${directory}: ${problem}. If you trust it, name it: --config ${name}`);
}

/** Says who, other than this user and root, can write to what is at `path`. */
function strangerIn(path: string, what: string): string | undefined {
  const { geteuid, getegid } = process;
  if (geteuid === undefined || getegid === undefined) return undefined; // There are no such modes on Windows.
  const { gid, mode, uid } = statSync(path);
  if (uid !== geteuid() && uid !== 0) return `${what} belongs to another user (${uid})`;
  if (mode & 0o002) return `all users can write to ${what}`;
  // A group of the user's own is the default of some systems.
  return mode & 0o020 && gid !== getegid() ? `group ${gid} can write to ${what}` : undefined;
}

/** Reads the options in the file at `path` from `directory`; `option` is what named it. Throws HEDDLE_INVALID_OPTION if it cannot be read. */
export async function readConfigFile(path: string, directory: string, option: string): Promise<unknown> {
  const file = resolve(directory, path);
  if (!existsSync(file)) throw invalid(`${path} does not exist; ${option} must name a .ts, .js, .mjs or .json file`);
  try {
    return file.endsWith('.json')
      ? JSON.parse(readFileSync(file, 'utf8').replace(BYTE_ORDER_MARK, ''))
      : defaultExport(await importModule(pathToFileURL(file)), path);
  } catch (error) {
    if (error instanceof HeddleError) throw error;
    const { message } = errorToRecord(error, 'HEDDLE_INVALID_OPTION');
    throw invalid(`${path} cannot be read: ${message.replaceAll(/\s+/g, ' ').trim()}`, error);
  }
}

function defaultExport(module: unknown, path: string): unknown {
  if (typeof module === 'object' && module !== null && 'default' in module) return defaultOf(module);
  throw invalid(`${path} must export its options as default: export default { port: 12345 }`);
}

function invalid(message: string, cause?: unknown): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', escapeText(message), { cause });
}
