/** Says what Node's permission model has to allow for a server to run. */
import { HeddleError } from '../errors.ts';

/** Which of these there are depends on the version of Node. */
const NEEDED = ['--allow-worker', '--allow-addons', '--allow-net', '--allow-fs-read'];

interface Permission {
  has(scope: string): boolean;
}

/** Throws HEDDLE_UNSUPPORTED if threads may not be started. */
export function requireThreads(): void {
  const { permission } = process as { readonly permission?: Permission };
  if (permission?.has('worker') === false) throw notAllowed('start threads');
}

/** Throws HEDDLE_UNSUPPORTED if Node itself may not open sockets. */
export function requireNet(): void {
  const { permission } = process as { readonly permission?: Permission };
  if (isKnown('--allow-net') && permission?.has('net') === false) throw notAllowed('open sockets');
}

/** The error of a server that may not do `what`. */
export function notAllowed(what: string, cause?: unknown): HeddleError {
  const flags = NEEDED.filter(isKnown).map((flag) => (flag === '--allow-fs-read' ? `${flag}=*` : flag));
  const text = `Node's permission model does not let Heddle ${what}. Start Node with ${flags.join(' ')}, or without its permission model`;
  return new HeddleError('HEDDLE_UNSUPPORTED', text, { cause });
}

function isKnown(flag: string): boolean {
  return process.allowedNodeEnvironmentFlags.has(flag);
}
