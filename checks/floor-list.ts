/** Lists the floors of `src`, from the top. The check, docs/architecture.md and CONTRIBUTING.md are made of this list. */

export interface Floor {
  /** Folders, each with all that is in it; a file of `src` itself goes by its name. */
  readonly rooms: readonly string[];
  /** What is there, for the docs. */
  readonly does: string;
}

/** A file imports, types included, from its own room and from floors below its own. */
export const FLOORS: readonly Floor[] = [
  { rooms: ['index.ts', 'http.ts', 'cli'], does: 'the doors: what the library exports, and the commands' },
  {
    rooms: ['server', 'page'],
    does: 'the server as its user sees it: options in, threads started and replaced, a graceful shutdown · what `heddle page` runs in a browser',
  },
  { rooms: ['admin'], does: 'what those who watch a server see: metrics and probes' },
  { rooms: ['epoll', 'net'], does: 'the two engines: acceptor, listeners and thread entries of each' },
  { rooms: ['acceptor'], does: 'lets clients in, whatever the engine' },
  {
    rooms: ['handover', 'streams', 'load'],
    does: 'zero-downtime restart · Node’s sockets on a thread: TLS, stream services, the net engine · the load of `heddle bench`',
  },
  {
    rooms: ['supervisor', 'thread', 'client'],
    does: 'watches threads, moves clients, waiting room · what a service thread runs · `connect()`',
  },
  { rooms: ['connection'], does: 'one client on its thread' },
  { rooms: ['reactor', 'listen'], does: 'one thread’s event loop over epoll · listening sockets and addresses' },
  { rooms: ['options'], does: 'settings: schemas, sources, what is refused' },
  { rooms: ['log'], does: 'events as lines' },
  {
    rooms: ['framing', 'sharing'],
    does: 'messages in a stream of bytes · shared memory: connection table, thread board, arena, locks',
  },
  { rooms: ['sys'], does: 'system calls' },
  { rooms: ['errors.ts', 'ip-address.ts', 'web-assembly.d.ts'], does: 'error codes, addresses' },
];

/** A service is written as its users write theirs: it imports `heddle`, Node, and files beside it. */
export const SERVICES = 'services';

/** What is forbidden although the floors would allow it, and why. */
export const FORBIDDEN: ReadonlyMap<string, string> = new Map([
  ['framing → sys', 'framing knows no socket'],
  ['server → client', 'a server needs no client'],
  ['server → page', 'it runs in a browser'],
  ['page → server', 'it runs in a browser'],
]);

/** A folder of more files wants another room. */
export const MOST_FILES = 20;
