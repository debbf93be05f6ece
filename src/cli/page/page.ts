/** Runs `heddle page`: serves a picture of a running server from this process, until a signal ends it. */
import { readFileSync } from 'node:fs';
import type { Place } from '../../admin/control/places.ts';
import type { Sample } from '../../admin/view/sample.ts';
import { HeddleError } from '../../errors.ts';
import { askJson } from '../control/ask.ts';
import { findServer } from '../control/find-server.ts';
import { takeSample } from '../control/sample.ts';
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
}

/** Gives the exit status. Errors: `HEDDLE_CONNECT`, `HEDDLE_LISTEN`, `HEDDLE_INVALID_OPTION`. */
export async function runPage(
  target: string | undefined,
  { port = '0' }: PageFlags,
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<number> {
  const given = portOf(port);
  const socket = await findServer(target, environment);
  let addresses: readonly string[] = [];
  const take = async (): Promise<Sample> => {
    const sample = await takeSample(socket);
    ({ addresses } = sample.snapshot.server);
    return sample;
  };
  const feed = new Feed({
    take,
    places: async () => placesAt(socket),
    watchedMs: WATCHED_MS,
    unwatchedMs: UNWATCHED_MS,
  });
  await feed.start();
  const html = readFileSync(PAGE, 'utf8');
  const sending = async (request: SendRequest): ReturnType<typeof send> => send(addresses, request);
  const server = new PageServer({ html, feed, send: sending, port: given });
  try {
    const url = await server.open();
    await print(terminal, `The page is at ${url}\nOnly this user's browser should have this address. Ctrl-C ends.\n`);
    await ending();
  } finally {
    feed.close();
    server.close();
  }
  return 0;
}

async function placesAt(socket: string): Promise<readonly Place[]> {
  const { places } = (await askJson(socket, `/v1/places?limit=${PLACES}`)) as { readonly places: readonly Place[] };
  return places;
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
