/** Clients of the soak: they come, say things of all sizes, and go. */
import { setTimeout as delay } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import type { Peer } from '../server/peer.ts';

/** How many of them there are at once. */
const COMERS = 20;
/** Messages of one client at most, and the most bytes of one as a power of 2. */
const MESSAGES = 20;
const LARGEST = 17;
/** What a client may do in the end but leave: nobody minds how. */
const RESETS = 0.2;
const HALF_CLOSES = 0.2;

export interface Traffic {
  /** Replies that were what they should be. */
  right: number;
  /** Replies that were another's, or not whole. */
  wrong: number;
  /** Clients that were cut off. */
  cutOff: number;
}

async function talk(peer: Peer, traffic: Traffic, name: string): Promise<void> {
  for (let message = Math.ceil(Math.random() * MESSAGES); message > 0; message--) {
    const text = `${name} ${message} `.padEnd(Math.floor(2 ** (Math.random() * LARGEST)), 'x');
    const answer = await peer.ask(text).catch(() => undefined);
    if (answer === undefined) {
      traffic.cutOff++;
      return;
    }
    if (answer === text) traffic.right++;
    else traffic.wrong++;
  }
}

async function leave(peer: Peer): Promise<void> {
  const way = Math.random();
  if (way < RESETS && !(peer.socket instanceof TLSSocket)) peer.reset();
  else if (way < RESETS + HALF_CLOSES)
    await peer
      .finish()
      .rest()
      .catch(() => {});
  await peer.leave();
}

async function comeAndGo(
  connect: () => Promise<Peer>,
  traffic: Traffic,
  name: string,
  over: AbortSignal,
): Promise<void> {
  for (let visit = 0; !over.aborted; visit++) {
    const peer = await connect().catch(() => undefined); // Its thread may die during the handshake.
    if (peer === undefined) traffic.cutOff++;
    else {
      await talk(peer, traffic, `${name} ${visit}`);
      await leave(peer);
    }
    await delay(Math.random() * 50);
  }
}

/** Has clients come and go until `over`. */
export async function churn(connect: () => Promise<Peer>, traffic: Traffic, over: AbortSignal): Promise<void> {
  const comers = Array.from({ length: COMERS }, (_, index) => comeAndGo(connect, traffic, `client ${index}`, over));
  await Promise.all(comers);
}
