/** Makes the visits of one client, and compares all that comes with what must. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Peer } from '../../server/peer.ts';
import type { Batch, Scenario, Visit } from './scenario.ts';
import { messageOf, replyOf } from './words.mjs';

/** What the clients of a server have seen. */
export interface Seen {
  /** Replies that were right, to the last byte. */
  right: number;
  /** Clients that were cut off. */
  cutOff: number;
}

/** Longer than any reply takes, also on a machine with much other work, in ms. */
const REPLY_TIMEOUT_MS = 120_000;

export class Visitor {
  readonly #name: string;
  readonly #scenario: Scenario;
  readonly #connect: () => Promise<Peer>;
  readonly #seen: Seen;
  #messages = 0;

  /** `name` is no other visitor's. */
  constructor(name: string, scenario: Scenario, connect: () => Promise<Peer>, seen: Seen) {
    this.#name = name;
    this.#scenario = scenario;
    this.#connect = connect;
    this.#seen = seen;
  }

  /** Comes and goes until `over`, first as visit number `first` says; rejects if a byte is wrong. */
  async visitUntil(over: AbortSignal, first: number): Promise<void> {
    const { visits } = this.#scenario;
    for (let index = first; !over.aborted; index++) {
      const peer = await this.#connect().catch(() => undefined);
      if (peer === undefined) this.#seen.cutOff++;
      else {
        const isCutOff = !(await this.#visit(peer, visits[index % visits.length] as Visit));
        if (isCutOff) this.#seen.cutOff++;
        await peer.leave();
      }
    }
  }

  /** Resolves with whether the client was not cut off. */
  async #visit(peer: Peer, { batches, end }: Visit): Promise<boolean> {
    for (const [index, batch] of batches.entries()) {
      const isLast = index === batches.length - 1;
      const { message, reply } = this.#made(batch);
      await send(peer, message, batch.cut);
      if (isLast && end === 'reset') break;
      if (isLast && end === 'finish') return this.#takeRest(peer, reply, batch.count);
      if (batch.pause > 0) await pause(peer, batch.pause);
      if (!(await this.#take(peer, reply, batch.count))) return false;
    }
    if (end === 'half') peer.send(this.#made({ ...HALF }).message.subarray(0, -2));
    if (end === 'half' || end === 'reset') cutOff(peer);
    return true;
  }

  async #take(peer: Peer, should: Buffer, count: number): Promise<boolean> {
    const taken = await patiently(
      peer.take(should.length),
      () => `${should.length} bytes for ${this.#name}, of which ${Buffer.concat(peer.pieces).length} came`,
    );
    if (taken === undefined) {
      this.#compare(Buffer.concat(peer.pieces), should);
      return false;
    }
    this.#compare(taken, should);
    this.#seen.right += count;
    return true;
  }

  async #takeRest(peer: Peer, should: Buffer, count: number): Promise<boolean> {
    peer.finish();
    const rest = await patiently(peer.rest(), () => `the end for ${this.#name}`);
    this.#compare(rest ?? Buffer.concat(peer.pieces), should);
    if (rest?.length !== should.length) return false;
    this.#seen.right += count;
    return true;
  }

  /** What has come must be a beginning of what must come. */
  #compare(is: Buffer, should: Buffer): void {
    if (is.equals(should.subarray(0, is.length))) return;
    const at = is.findIndex((byte, index) => byte !== should[index]);
    const text = (bytes: Buffer): string => JSON.stringify(bytes.toString('latin1', Math.max(0, at - 20), at + 40));
    throw new Error(`${this.#name} got wrong bytes from byte ${at} on: ${text(is)} for ${text(should)}`);
  }

  #made({ count, letters, wants, way }: Batch): { message: Buffer; reply: Buffer } {
    const { framing } = this.#scenario;
    const messages: Buffer[] = [];
    const replies: Buffer[] = [];
    for (let index = 0; index < count; index++) {
      const nonce = `${this.#name}.${this.#messages++}`;
      messages.push(frame(framing, messageOf({ way, wants, nonce, letters })));
      replies.push(frame(framing, replyOf(nonce, wants)));
    }
    return { message: Buffer.concat(messages), reply: Buffer.concat(replies) };
  }
}

const HALF: Batch = { count: 1, way: 'echo', letters: 3000, wants: 10, cut: 0, pause: 0 };
export const DELIMITER = '|-|';

/** Frames a message, which has neither line feeds nor bars. */
export function frame(framing: Scenario['framing'], body: Buffer): Buffer {
  if (framing === 'line') return Buffer.concat([body, Buffer.from('\n')]);
  if (framing === 'delimiter') return Buffer.concat([body, Buffer.from(DELIMITER)]);
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(body.length);
  return Buffer.concat([prefix, body]);
}

async function send(peer: Peer, message: Buffer, cut: number): Promise<void> {
  const at = cut % message.length;
  if (at > 0) {
    peer.send(message.subarray(0, at));
    await delay(1);
  }
  peer.send(message.subarray(at));
}

async function pause(peer: Peer, ms: number): Promise<void> {
  peer.socket.pause();
  await delay(ms);
  peer.socket.resume();
}

/** Under TLS the connection below ends without a word; otherwise it is reset. */
function cutOff(peer: Peer): void {
  if ('encrypted' in peer.socket || peer.socket.remoteAddress === undefined) peer.socket.destroy();
  else peer.reset();
}

/** Resolves with `undefined` where the client was cut off; rejects if nothing comes for long. */
async function patiently<T>(coming: Promise<T>, what: () => string): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), REPLY_TIMEOUT_MS);
  });
  try {
    const come = await Promise.race([coming.catch(() => undefined), late]);
    if (come === 'late') throw new Error(`there was nothing for ${REPLY_TIMEOUT_MS / 1000} s: ${what()}`);
    return come;
  } finally {
    clearTimeout(timer);
  }
}
