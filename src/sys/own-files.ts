/** Notices that Heddle was put into a bundle: its threads begin with files of their own, which are not there then. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HeddleError } from '../errors.ts';

/** What service threads begin with; the build puts it beside what the library is built into. */
const ENTRY = './epoll-thread.cjs';

/** `door`: where the door of the library is; a bundle may not know. Throws HEDDLE_UNSUPPORTED if threads have no files there. */
export function requireOwnFiles(listeners: string | undefined): void {
  const path = listeners === undefined ? ENTRY : fileURLToPath(new URL(ENTRY, listeners));
  if (listeners !== undefined && existsSync(path)) return;
  const advice = 'Leave it out of the bundle (esbuild --external:heddle), and install it beside';
  throw new HeddleError(
    'HEDDLE_UNSUPPORTED',
    `Heddle cannot start threads from a bundle: there is no ${path}. ${advice}`,
  );
}
