/** Runs `heddle page`: serves a picture of a running server from this process, until a signal ends it. */
import { readFileSync } from 'node:fs';
import { HeddleError } from '../../errors.ts';
import { all, askLines } from '../control/ask.ts';
import { findServer } from '../control/find-server.ts';
import { kickClient } from '../control/kick.ts';
import { watchServer } from '../control/sample.ts';
import { print, type Terminal } from '../terminal.ts';
import { Feed } from './feed.ts';
import { PageServer } from './page-server.ts';
import { send, type SendRequest } from './send.ts';

/** Built beside the bundle that this is in: `build/bundles.ts`. */
const PAGE = new URL('../page/page.html', import.meta.url);

/** How often the server is asked while a page is open, and while none is, in ms. */
const WATCHED_MS = 250;
const UNWATCHED_MS = 1_000;
/** So many clients are drawn. */
const PLACES = 256;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface PageFlags {
  readonly port?: string;
  readonly readOnly?: boolean;
}

/** Gives the exit status. Errors: `HEDDLE_CONNECT`, `HEDDLE_LISTEN`, `HEDDLE_INVALID_OPTION`. */
export async function runPage(
  target: string | undefined,
  { port = '0', readOnly = false }: PageFlags,
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<number> {
  const given = portOf(port);
  const socket = await findServer(target, environment);
  const feed = new Feed({
    watch: (options) => watchServer(socket, { ...options, places: PLACES }),
    watchedMs: WATCHED_MS,
    unwatchedMs: UNWATCHED_MS,
  });
  const actions = readOnly
    ? {}
    : { send: sending(feed), kick: async (id: number) => ({ result: await kickClient(socket, id) }) };
  const clients = async (query: string): Promise<readonly unknown[]> => all(askLines(socket, `/v1/clients${query}`));
  const server = new PageServer({ html: readFileSync(PAGE, 'utf8'), feed, clients, ...actions, port: given });
  try {
    await feed.start();
    const url = await server.open();
    await print(terminal, `The page is at ${url}\nOnly this user's browser should have this address. Ctrl-C ends.\n`);
    await ending();
  } finally {
    feed.close();
    server.close();
  }
  return 0;
}

function sending(feed: Feed): (request: SendRequest) => ReturnType<typeof send> {
  return async (request) => send(feed.view?.server.addresses ?? [], request);
}

async function ending(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of SIGNALS) process.once(signal, () => resolve());
  });
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Infinity;
  if (port <= 65_535) return port;
  throw new HeddleError('HEDDLE_INVALID_OPTION', `--port is a number up to 65535, got ${JSON.stringify(text)}`);
}
