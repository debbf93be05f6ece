/** Defines what a run of the load does. A plan is plain data: each generator thread gets one, with its share of the load. */

import type { ConnectSettings } from '../options/connect-options.ts';
import type { SocketAddress } from '../sys/sys.ts';
import type { Pattern } from './arrivals.ts';
import type { Expected } from './messages/expected.ts';

/** Clients that do the same. */
export interface GroupPlan {
  /** Such as `clients`, or the text that those beside them send. */
  readonly name: string;
  readonly clients: number;
  /** The texts that the clients send in turn. */
  readonly texts: readonly string[];
  readonly expected: Expected;
  /** Messages a second, of all clients of the group; `undefined`: each client sends its next message when it has a reply (closed loop). */
  readonly rate: number | undefined;
  /** The rate at the end of the measured time, to which it goes evenly; `undefined`: it stays. */
  readonly rampTo: number | undefined;
  /** How long a client of a closed loop pauses before it sends its next message, in ms on average; at random. */
  readonly thinkMs: number;
  readonly pattern: Pattern;
  /** The most messages that a client may have under way. */
  readonly pipeline: number;
  /** Clients a second that leave and come again. */
  readonly churn: number;
  /** The share of them that leave with a reset of their connection. */
  readonly resets: number;
}

export interface LoadPlan {
  /** Where to connect, for sockets of this program's own; `undefined`: Node connects, by `settings`. */
  readonly address: SocketAddress | undefined;
  /** Where to connect, and what a message is. It has no `signal`, and no framing with functions. */
  readonly settings: Omit<ConnectSettings, 'signal'>;
  readonly groups: readonly GroupPlan[];
  /** Connections that are open and send nothing. */
  readonly idle: number;
  /** Connections a second that are made before the load begins; Infinity: as fast as the server takes them. */
  readonly connectRate: number;
  /** How long the load goes on before it is measured, and then measured, in ms. */
  readonly warmMs: number;
  readonly ms: number;
  /** How long a reply may take, in ms. */
  readonly timeoutMs: number;
  readonly seed: number;
  /** The server's process, if its CPU time can be read. */
  readonly server: number | undefined;
  /** A file that each reply adds a line to. */
  readonly trace: string | undefined;
  /** The number of the first client: clients of several threads have numbers of their own. */
  readonly firstClient: number;
}

/** Whether the clients that the run is about send by a schedule. */
export function isOpenLoop({ groups }: LoadPlan): boolean {
  return groups[0]?.rate !== undefined;
}

/** Divides `plan` among `count` threads, or fewer if there are not as many clients. A thread may have no clients of a group. */
export function shares(plan: LoadPlan, count: number): LoadPlan[] {
  return Array.from({ length: count }, (_, index) => {
    const part = (whole: number): number =>
      Math.floor((whole * (index + 1)) / count) - Math.floor((whole * index) / count);
    const groups = plan.groups.map((group) => {
      const clients = part(group.clients);
      const scale = clients / group.clients;
      const scaled = (rate: number | undefined): number | undefined => (rate === undefined ? undefined : rate * scale);
      const [rate, rampTo] = [scaled(group.rate), scaled(group.rampTo)];
      return { ...group, clients, rate, rampTo, churn: group.churn * scale };
    });
    const firstClient = plan.firstClient + index * 10_000;
    const connectRate = plan.connectRate / count;
    const server = index === 0 ? plan.server : undefined;
    return { ...plan, groups, server, idle: part(plan.idle), connectRate, seed: plan.seed + index, firstClient };
  }).filter(({ groups, idle }) => idle > 0 || groups.some(({ clients }) => clients > 0));
}
