/** Tells how many files this process may have open, and what to do where they are too few. */
import { HeddleError, type HeddleErrorCode } from '../errors.ts';

/** Where the system names no limit: Windows has none to speak of. */
const FILES_WITHOUT_LIMIT = 2 ** 16;

/** What does for a server with a few hundred clients; the usual limit of a shell. */
const ENOUGH_FILES = 1024;

/** What may fail for want of files while a server starts. */
const WHILE_STARTING: ReadonlySet<HeddleErrorCode> = new Set(['HEDDLE_LISTEN', 'HEDDLE_SERVICE_LOAD']);

/** Newer than the types. */
type Report = NodeJS.ProcessReport & { excludeNetwork?: boolean | undefined };

/** Gives the limit of open files as Node knows it; `Infinity` if there is none. */
export function fileLimit(): number {
  const report: Report = process.report;
  const before = report.excludeNetwork;
  report.excludeNetwork = true; // Not the names of all peers, which would have to be looked up.
  const { userLimits } = report.getReport() as { readonly userLimits?: { open_files?: { soft: number | string } } };
  report.excludeNetwork = before;
  const soft = userLimits?.open_files?.soft;
  if (soft === 'unlimited') return Infinity;
  return typeof soft === 'number' ? soft : FILES_WITHOUT_LIMIT;
}

/** Says what to do if `cause` is that this process has as many files open as it may; `undefined` if it is something else. */
export function tooFewFiles(cause: unknown): HeddleError | undefined {
  if (!(cause instanceof Error)) return undefined;
  if (cause instanceof HeddleError && !WHILE_STARTING.has(cause.code)) return undefined;
  if (!/\bEMFILE\b|too many open files/i.test(cause.message)) return undefined;
  const limit = fileLimit();
  const more = Math.max(ENOUGH_FILES, limit * 2);
  const text =
    `Too many open files: this process may have ${limit}, and needs more. ` +
    `Allow it more, with ulimit -n ${more} in the shell that starts it or LimitNOFILE=${more} in its systemd unit`;
  return new HeddleError('HEDDLE_UNSUPPORTED', text, { cause, errno: 'EMFILE' });
}
