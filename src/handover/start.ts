/** Says what a hand-over is started with: what the next process gets, and what there is of the one before. */

/** What is handed over beside clients. */
export interface Offer {
  /** The listening socket that a successor connects to. */
  readonly controlFd: number;
  readonly listeners: readonly { readonly fd: number; readonly isShared: boolean }[];
  /** Clients speak TLS: they stay. */
  readonly tls: boolean;
}

/** The process before this one. */
export interface Source {
  /** The connection to the process that is succeeded. */
  readonly channelFd: number;
  readonly pid: number;
  /** Its clients can be taken. */
  readonly takesClients: boolean;
}

/**
 * What main is told of a hand-over: see `FromAcceptor`. `succeeded`: process `pid` accepts clients from now on; `handedOver` clients had gone to
 * other processes before. `successor-lost`: it has ended, and this one has its place again. `successor-failed`: it has ended before it had
 * this one's place. `accepting`: this process has the place of the one before. `predecessor-left`: that one lets it have its place, or has
 * ended. `predecessor-over`: `clients` have come from it, and no more will. `totalsFd`: where the two tell each other their totals; -1: nowhere.
 */
export type HandoverNotice =
  | { readonly type: 'succeeded'; readonly pid: number; readonly totalsFd: number; readonly handedOver: number }
  | { readonly type: 'successor-lost' | 'successor-failed'; readonly pid: number }
  | { readonly type: 'predecessor-left'; readonly pid: number; readonly totalsFd: number }
  | { readonly type: 'predecessor-over'; readonly clients: number }
  | { readonly type: 'accepting' };
