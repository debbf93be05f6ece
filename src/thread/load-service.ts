/** Used to load the user's service, and to say clearly what is wrong with one that does not load. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { checkService, type Service } from '../connection/service.ts';
import { HeddleError } from '../errors.ts';
import { importModule } from '../options/module-file.ts';

/**
 * Imports the module at `href` and checks the service that it exports by default.
 *
 * Errors: `HEDDLE_SERVICE_LOAD`, with the file, and the line where there is one.
 */
export async function loadService(href: string): Promise<Service> {
  const url = new URL(href);
  const path = url.protocol === 'file:' ? fileURLToPath(url) : href;
  if (url.protocol === 'file:' && !existsSync(path)) {
    throw new HeddleError('HEDDLE_SERVICE_LOAD', `Cannot load the service ${path}: there is no such file`);
  }
  const module = await importModule(url).catch((cause: unknown) => {
    throw new HeddleError('HEDDLE_SERVICE_LOAD', `Cannot load the service ${path}: ${describe(cause)}`, { cause });
  });
  const exported = (module as { default?: unknown }).default;
  return checkService(exported, `Cannot use the service ${path}`);
}

/** The message, and where: V8 puts the place of a syntax error before its message in the stack, that of others behind. */
function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const [first = ''] = (cause.stack ?? '').split('\n');
  const placed = /^(file:\/\/|\/).*:\d+$/.test(first);
  const place = placed ? first : /\(?((?:file:\/\/|\/)[^\s()]+:\d+)(?::\d+)?\)?/.exec(cause.stack ?? '')?.[1];
  const text = `${cause.name}: ${cause.message}`;
  return place === undefined || text.includes(place) ? text : `${text} (at ${place.replace(/^file:\/\//, '')})`;
}
