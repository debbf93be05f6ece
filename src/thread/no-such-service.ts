/** Says that there is no file of a service. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HeddleError } from '../errors.ts';

/** Throws HEDDLE_SERVICE_LOAD if `url` names a file that there is not. */
export function requireFile(url: URL): void {
  if (url.protocol !== 'file:') return;
  const path = fileURLToPath(url);
  if (existsSync(path)) return;
  throw new HeddleError('HEDDLE_SERVICE_LOAD', `Cannot load the service ${path}: there is no such file`);
}
