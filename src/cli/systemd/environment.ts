/** Reads what systemd passes to a service in the environment (sd_listen_fds(3), sd_notify(3)). */
import { LONGEST_UNIX_PATH } from '../../sys/structs/socket-address.ts';

/** Sockets are handed over from this number on (`SD_LISTEN_FDS_START`). */
const FIRST_FD = 3;
const MOST_FDS = 1024;

const VARIABLES = [
  'LISTEN_FDS',
  'LISTEN_PID',
  'LISTEN_PIDFDID',
  'LISTEN_FDNAMES',
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
];

export interface SystemdEnvironment {
  /** The sockets that were handed to this process, by file descriptor. */
  readonly listenFds: readonly number[];
  /** The Unix socket that takes notices, as `Sys` names it; `undefined`: nobody waits for any. */
  readonly notifySocket: string | undefined;
  /** Within how many ms of the last one the next sign of life must come; `undefined`: none is expected. */
  readonly watchdog: number | undefined;
}

/** Takes the variables out of `environment`, so that no program that this one starts believes that they are for it. */
export function takeSystemdEnvironment(environment: NodeJS.ProcessEnv, pid: number): SystemdEnvironment {
  const { LISTEN_FDS, LISTEN_PID, NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = environment;
  for (const name of VARIABLES) delete environment[name];
  const count = LISTEN_PID === String(pid) ? wholeNumber(LISTEN_FDS) : 0;
  const watchdog = WATCHDOG_PID === undefined || WATCHDOG_PID === String(pid) ? wholeNumber(WATCHDOG_USEC) / 1_000 : 0;
  return {
    listenFds: Array.from({ length: Math.min(count, MOST_FDS) }, (_, index) => FIRST_FD + index),
    notifySocket: notifySocket(NOTIFY_SOCKET),
    watchdog: watchdog > 0 ? watchdog : undefined,
  };
}

function wholeNumber(text: string | undefined): number {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : 0;
}

/** A path, or `@` and a name without a file. Others, such as `vsock:`, are for virtual machines. */
function notifySocket(text = ''): string | undefined {
  if (!/^[/@]./.test(text) || Buffer.byteLength(text) > LONGEST_UNIX_PATH) return undefined;
  return text.replace(/^@/, '\0');
}
