/** Chooses the engine of a server: the one that is asked for, or the best that there is. */
import { HeddleError } from '../errors.ts';
import type { EngineChoice } from '../options/serve-options.ts';
import type { NameOf } from '../options/source.ts';
import { openLibc } from '../sys/libc.ts';
import type { Engine } from './engine.ts';
import { EpollEngine } from './epoll-engine.ts';
import { NetEngine } from './net-engine.ts';

/** The first version of each line of Node whose sockets can be handed to other threads; later lines have it from the start. */
const FIRST_IN_24 = 21;
const FIRST_IN_26 = 6;
const NEEDS = `Node 24.${FIRST_IN_24} or newer of version 24, or Node 26.${FIRST_IN_26} or newer`;

/** Whether a thread of this Node can hand a socket to another. */
export function canHandOver(version = process.versions.node): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major === 24) return minor >= FIRST_IN_24;
  return major === 26 ? minor >= FIRST_IN_26 : major > 26;
}

/**
 * Opens the engine that `choice` names; with `auto`, epoll where it can run and else net.
 *
 * Errors: `HEDDLE_UNSUPPORTED` where it cannot run.
 */
export function openEngine(choice: EngineChoice, nameOf: NameOf): Engine {
  if (choice === 'net') return openNet(nameOf);
  try {
    return new EpollEngine(openLibc());
  } catch (error) {
    const isShortage = error instanceof HeddleError && error.errno !== undefined;
    if (choice === 'epoll' || isShortage) throw error;
    return openInstead(error);
  }
}

function openNet(nameOf: NameOf): Engine {
  if (canHandOver()) return new NetEngine();
  const what = `Cannot use the net engine: it needs ${NEEDS}, this is ${process.versions.node}`;
  throw new HeddleError(
    'HEDDLE_UNSUPPORTED',
    `${what}. Use such a Node, or on Linux the epoll engine (leave out ${nameOf('engine')})`,
  );
}

/** Without epoll, for the reason that `cause` says, the net engine is what is left. */
function openInstead(cause: unknown): Engine {
  if (canHandOver()) return new NetEngine();
  const why = cause instanceof Error ? cause.message : String(cause);
  const what = `No engine can run here. epoll: ${why}. net: it needs ${NEEDS}, this is ${process.versions.node}`;
  throw new HeddleError('HEDDLE_UNSUPPORTED', what, { cause });
}
