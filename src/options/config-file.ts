/** Used to find and read `heddle.config.ts`, `.js`, `.mjs` or `.json`. */

import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { HeddleError } from '../errors.ts';
import { importModule } from './module-file.ts';

export const CONFIG_FILES = ['heddle.config.ts', 'heddle.config.js', 'heddle.config.mjs', 'heddle.config.json'];

/** Names the config file of `directory`, if there is one. Throws HEDDLE_INVALID_OPTION if there are several. */
export function findConfigFile(directory: string): string | undefined {
  const found = CONFIG_FILES.filter((name) => existsSync(resolve(directory, name)));
  if (found.length > 1)
    throw invalid(`${found.join(' and ')} are both in ${directory}: keep one, or choose one with --config`);
  return found[0];
}

/** Reads the options in the file at `path` from `directory`; `option` is what named it. Throws HEDDLE_INVALID_OPTION if it cannot be read. */
export async function readConfigFile(path: string, directory: string, option: string): Promise<unknown> {
  const file = resolve(directory, path);
  if (!existsSync(file)) throw invalid(`${path} does not exist; ${option} must name a .ts, .js, .mjs or .json file`);
  try {
    return file.endsWith('.json')
      ? JSON.parse(readFileSync(file, 'utf8'))
      : defaultExport(await importModule(pathToFileURL(file)), path);
  } catch (error) {
    if (error instanceof HeddleError) throw error;
    throw invalid(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

function defaultExport(module: unknown, path: string): unknown {
  if (typeof module === 'object' && module !== null && 'default' in module) return module.default;
  throw invalid(`${path} must export its options as default: export default { port: 12345 }`);
}

function invalid(message: string, cause?: unknown): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', message, { cause });
}
