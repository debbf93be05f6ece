/** Loads the user's service, and says clearly what is wrong with one that does not load. */
import { fileURLToPath } from 'node:url';
import { checkService, type Service, type ServiceThread, type StreamService } from '../connection/service.ts';
import { HeddleError } from '../errors.ts';
import { modeOf, type NamedFraming } from '../connection/codec/codec.ts';
import { createFraming, type CustomFraming, type ServiceFraming } from '../framing/framing.ts';
import type { FindByte } from '../framing/search.ts';
import { defaultOf, importModule } from '../options/module-file.ts';
import type { ThreadStart } from './messages.ts';
import { requireFile } from './no-such-service.ts';
import { whatAndWhere } from './syntax-error-location.ts';

/** What is asked for: a service, and settings that may not suit it. */
type Asked = Pick<ThreadStart, 'service' | 'settings'>;

/**
 * Imports the module at `href` and checks the service that it exports by default.
 *
 * Errors: `HEDDLE_SERVICE_LOAD`, with the file, and the line where there is one.
 */
export async function loadService(href: string): Promise<Service | StreamService> {
  const url = new URL(href);
  const path = pathOf(href);
  requireFile(url);
  const module = await importModule(url).catch((cause: unknown) => {
    throw new HeddleError('HEDDLE_SERVICE_LOAD', `Cannot load the service ${path}: ${whatAndWhere(cause, path)}`, {
      cause,
    });
  });
  return checkService(defaultOf(module), `Cannot use the service ${path}`);
}

/**
 * Runs the service's `start`.
 *
 * Errors: `HEDDLE_SERVICE_LOAD`, with the file and what it threw.
 */
export async function startService(
  service: Service | StreamService,
  href: string,
  thread: ServiceThread,
): Promise<void> {
  try {
    await service.start?.(thread);
  } catch (cause) {
    const path = pathOf(href);
    const why = `its start failed: ${whatAndWhere(cause, path)}`;
    throw new HeddleError('HEDDLE_SERVICE_LOAD', `Cannot start the service ${path}: ${why}`, { cause });
  }
}

/**
 * Makes the framings of a thread. The first is what clients begin with: the one that the options ask for, else the service's, else the
 * first of those that the service has by name, else `chunk`. `find`: how a byte is found in what the thread has read.
 *
 * Errors: `HEDDLE_SERVICE_LOAD` if one of the service's is none, or has no name that it can have.
 */
export function framingsOf(service: Service, start: Asked, find: FindByte): readonly [NamedFraming, ...NamedFraming[]] {
  const { framing: asked, maxMessageLength } = start.settings;
  const make = (spec: ServiceFraming | CustomFraming, name: string | undefined): NamedFraming => {
    try {
      return { name, framing: createFraming(spec, maxMessageLength, find) };
    } catch (cause) {
      // It is the service that says it, not an option.
      const whose = name === undefined ? 'its framing' : `its framing '${name}'`;
      throw refused(start, String(messageOf(cause)).replace(/^options\.framing/, whose), cause);
    }
  };
  const entries = Object.entries(service.framings ?? {});
  checkNames(
    entries.map(([name]) => name),
    start,
  );
  const named = entries.map(([name, spec]) => make(spec, name));
  if (asked !== undefined)
    return [{ name: undefined, framing: createFraming(asked, maxMessageLength, find) }, ...named];
  if (service.framing !== undefined) return [make(service.framing, undefined), ...named];
  const [first, ...others] = named;
  return first === undefined ? [make('chunk', undefined)] : [first, ...others];
}

function checkNames(names: readonly string[], start: Asked): void {
  for (const [index, name] of names.entries()) {
    if (!/^[A-Za-z][\w-]*$/.test(name))
      throw refused(
        start,
        `its framings have names of letters, digits, _ and -, which begin with a letter; got '${name}'`,
      );
    const same = names.slice(0, index).find((other) => modeOf(other) === modeOf(name));
    if (same !== undefined)
      throw refused(start, `its framings '${same}' and '${name}' cannot be told apart in a slot: rename one of them`);
  }
}

function refused({ service }: Asked, why: string, cause?: unknown): HeddleError {
  return new HeddleError('HEDDLE_SERVICE_LOAD', `Cannot use the service ${pathOf(service)}: ${why}`, { cause });
}

function messageOf(cause: unknown): unknown {
  return cause instanceof Error ? cause.message : cause;
}

/** Throws HEDDLE_SERVICE_LOAD if the options give a framing or a rate: the service is one of streams. */
export function refuseMessageOptions({ service, settings }: Asked): void {
  const given = settings.framing !== undefined ? 'framing' : settings.rate !== 'none' ? 'rate' : undefined;
  if (given === undefined) return;
  const why = `it has a stream function, which reads its socket by itself: leave out the option ${given}`;
  throw new HeddleError('HEDDLE_SERVICE_LOAD', `Cannot use the service ${pathOf(service)}: ${why}`);
}

/** Throws HEDDLE_SERVICE_LOAD if the options have TLS begin later, and the service cannot begin it. */
export function refuseLateTls(given: Service | StreamService, { service, tls }: ThreadStart): void {
  if (tls?.start !== 'later' || given.session !== undefined) return;
  const kind = given.stream === undefined ? 'message' : 'stream';
  const why = `tls.start 'later' needs a session function, which calls client.startTls(), and it has a ${kind} function`;
  throw new HeddleError(
    'HEDDLE_SERVICE_LOAD',
    `Cannot use the service ${pathOf(service)}: ${why}. Leave out tls.start (--tls-start)`,
  );
}

export function pathOf(href: string): string {
  return href.startsWith('file:') ? fileURLToPath(href) : href;
}
