/** Keeps Node's debugger closed, which any user of the machine may connect to, unless the command line asks for it. */

/** When main has nothing to do but to wait for its threads: what closes a debugger takes 2 ms to load. */
const LOOK_AFTER_MS = 100;

/** What opens a debugger on purpose: Node's flags, and what an editor has Node load first. */
const ASKS = /(^|\s)(--inspect(-brk|-wait)?|--require|-r|--import)(=|\s|$)/;

/** Ignores SIGUSR1, on which Node opens its debugger; closes a debugger that one has opened while Node itself started. */
export function refuseDebugger(): void {
  process.on('SIGUSR1', () => {});
  const flags = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ');
  // Of a signal libuv hears as well, after the timers of a turn: it would open the debugger again.
  if (!ASKS.test(flags)) setTimeout(() => setImmediate(closeDebugger), LOOK_AFTER_MS).unref();
}

function closeDebugger(): void {
  const inspector = process.getBuiltinModule('node:inspector');
  if (inspector.url() !== undefined) inspector.close();
}
