/** Runs clients in groups against one server, and tells how long each group waited in each window of time. */
import { Child } from './child.ts';
import { pinned } from './cores.ts';

/** What a message asks of the server: nothing, CPU time, to keep its thread busy or asleep for a time. */
export type MessageKind = 'light' | 'cpu' | 'wall' | 'sleep';

const LETTERS: Readonly<Record<MessageKind, string>> = { light: 'l', cpu: 'b', wall: 'w', sleep: 's' };

/** Clients that do the same. Times are from the start of the load. */
export interface ClientGroup {
  readonly clients: number;
  readonly kind: MessageKind;
  /** How much of it a message asks for. */
  readonly burnMs?: number;
  /** The mean time from one message of a client to its next; without it the next follows the reply at once. */
  readonly thinkMs?: number;
  /** When the clients connect (0), and when they first ask (as soon as they have connected). */
  readonly comeMs?: number;
  readonly askMs?: number;
  /** How many messages each client sends; without it there is no end. */
  readonly times?: number;
  /** One message in so many is of the kind, and the others ask for nothing (1). */
  readonly every?: number;
  /** How many addresses the clients come from (8). Each group has its own. */
  readonly sources?: number;
  /** Whether each message has a connection of its own; the wait then begins before the client connects. */
  readonly visits?: boolean;
}

export interface LoadWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface ClientLoad<Group extends string = string, Window extends string = string> {
  readonly groups: Readonly<Record<Group, ClientGroup>>;
  readonly windows: Readonly<Record<Window, LoadWindow>>;
  readonly ms: number;
  /** Whether clients may be cut off: they are counted, and come back. */
  readonly lossy?: boolean;
  /** Ends the load early when it settles. */
  readonly until?: Promise<unknown>;
  /** The file that gets a line for each reply. */
  readonly trace?: string;
}

/** What a group saw in a window. A wait counts in each window that it touches, in a later one from where that begins. */
export interface GroupSample {
  /** Waits that touched the window, and replies that came in it. */
  readonly taken: number;
  readonly answered: number;
  readonly medianUs: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly worstUs: number;
  /** Replies that the client with the fewest had, and the one with the most. */
  readonly leastTurns: number;
  readonly mostTurns: number;
  /** When the last reply of the window came, from its beginning. */
  readonly lastUs: number;
  /** Clients that still waited when the load had ended. */
  readonly waiting: number;
}

export interface WindowSample<Group extends string = string> {
  /** How late the load itself was at worst, by its own clock. */
  readonly lateUs: number;
  /** CPU time of the server's process. */
  readonly serverCpuMs: number;
  /** CPU time that neither the server's process nor the load used: that of neighbours on the machine. */
  readonly othersCpuMs: number;
  readonly groups: Readonly<Record<Group, GroupSample>>;
}

export interface ClientSample<Group extends string = string, Window extends string = string> {
  /** Replies that were right, of all clients, from the start to the end. */
  readonly checked: number;
  /** Clients cut off while they waited for a reply, and while they did not. */
  readonly lostWaiting: number;
  readonly lostResting: number;
  /** What keeps the load from being late: `nice -20`, `slice 0.1 ms` or `none`. */
  readonly priority: string;
  readonly windows: Readonly<Record<Window, WindowSample<Group>>>;
}

const joined = (fields: Readonly<Record<string, number | string | undefined>>): string =>
  Object.entries(fields)
    .flatMap(([name, value]) => (value === undefined ? [] : `,${name}=${value}`))
    .join('');

function groupWord(name: string, { kind, burnMs, thinkMs, comeMs, askMs, visits, ...same }: ClientGroup): string {
  const fields = { burn: burnMs, think: thinkMs, come: comeMs, ask: askMs, ...same };
  return `group=${name}${joined({ kind: LETTERS[kind], ...fields, visits: visits === true ? 1 : 0 })}`;
}

function isSample(value: unknown): value is ClientSample {
  return typeof value === 'object' && value !== null && 'windows' in value && 'lostResting' in value;
}

/** Throws if a reply was wrong, or a connection broke that must not. */
export async function runClients<Group extends string, Window extends string>(
  program: string,
  cpus: number | readonly number[],
  server: { readonly port: number; readonly pid?: number },
  { groups, windows, ms, lossy, until, trace }: ClientLoad<Group, Window>,
): Promise<ClientSample<Group, Window>> {
  const words = [
    `port=${server.port}`,
    `pid=${server.pid ?? 0}`,
    `ms=${ms}`,
    `lossy=${lossy === true ? 1 : 0}`,
    ...(trace === undefined ? [] : [`trace=${trace}`]),
    ...Object.entries<ClientGroup>(groups).map(([name, group]) => groupWord(name, group)),
    ...Object.entries<LoadWindow>(windows).map(([name, { fromMs, toMs }]) => `window=${name},${fromMs},${toMs}`),
  ];
  const child = new Child(pinned(cpus, [program, ...words]));
  const end = (): void => void child.stop();
  until?.then(end, end);
  const report: unknown = JSON.parse(await child.output());
  if (!isSample(report)) throw new Error('the load reported nothing that is known');
  return report;
}
