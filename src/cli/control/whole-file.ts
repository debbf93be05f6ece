/** Writes a file whole or not at all. */
import { accessSync, constants, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { HeddleError } from '../../errors.ts';

/** Throws `HEDDLE_INVALID_OPTION` if no file can be written there: better before the work than after it. */
export function requireWritable(path: string): void {
  try {
    accessSync(isSpecial(path) ? path : dirname(path), constants.W_OK);
  } catch (error) {
    throw cannotWrite(path, error as NodeJS.ErrnoException);
  }
}

/** In place of a file that is there. Errors: as `requireWritable`. */
export function writeWhole(path: string, text: string): void {
  if (isSpecial(path)) return writeFileSync(path, text);
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}`);
  try {
    writeFileSync(draft, text);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw cannotWrite(path, error as NodeJS.ErrnoException);
  }
}

/** A terminal, a pipe or a device is written to; only another file can take the place of a file. */
function isSpecial(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === false;
}

function cannotWrite(path: string, error: NodeJS.ErrnoException): HeddleError {
  const text = `Cannot write ${path}: ${error.code ?? error.message}. Name another file with -o`;
  return new HeddleError('HEDDLE_INVALID_OPTION', text, { cause: error });
}
