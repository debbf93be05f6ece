/** Publishes what a service thread does on channels of `node:diagnostics_channel`. */
import { channel, tracingChannel } from 'node:diagnostics_channel';
import { isThenable } from './per-message.ts';

export const CLIENT_OPEN = channel('heddle:client:open');
export const CLIENT_ARRIVE = channel('heddle:client:arrive');
export const CLIENT_CLOSE = channel('heddle:client:close');
export const THREAD_START = channel('heddle:thread:start');
export const THREAD_STOP = channel('heddle:thread:stop');

/** What subscribers are told of a message: the same object from `start` to the end. */
interface TracedMessage {
  readonly client: object;
  /** How long the message is, without its frame. */
  readonly bytes: number;
  readonly thread: number;
  error?: unknown;
}

const MESSAGE = tracingChannel<string, TracedMessage>('heddle:message');

/*
 * Messages are many, so nobody asks for each whether it has subscribers. A thread looks once a turn, and has the function that answers
 * messages wrapped while there are some. A session asks a field.
 */
class MessageTracing {
  /** Somebody wants to know of each message, as of this turn. */
  isOn = false;
  /** The messages that sessions are working on. */
  readonly #underWay = new WeakMap<object, TracedMessage>();

  /** Looks whether there are subscribers now; returns whether that has changed. */
  look(): boolean {
    const { asyncEnd, asyncStart, end, error, start } = MESSAGE;
    const isOn =
      start.hasSubscribers ||
      end.hasSubscribers ||
      asyncStart.hasSubscribers ||
      asyncEnd.hasSubscribers ||
      error.hasSubscribers;
    const hasChanged = isOn !== this.isOn;
    this.isOn = isOn;
    return hasChanged;
  }

  /** Calls `answer`, and publishes what comes of it. What `start` is bound to is entered for the call. */
  call(answer: () => unknown, client: object, bytes: number, thread: number): unknown {
    const message: TracedMessage = { client, bytes, thread };
    return MESSAGE.start.runStores(message, () => {
      try {
        const reply = answer();
        return isThenable(reply) ? settled(reply, message) : reply;
      } catch (error) {
        fail(message, error);
        throw error;
      } finally {
        MESSAGE.end.publish(message);
      }
    });
  }

  /** A session has got a message, and goes on when this callback is done. */
  begun(client: object, bytes: number, thread: number): void {
    const message: TracedMessage = { client, bytes, thread };
    this.#underWay.set(client, message);
    MESSAGE.start.publish(message);
    MESSAGE.end.publish(message);
  }

  /** The session of `client` is done with its message, if it had one. */
  done(client: object): void {
    const message = this.#underWay.get(client);
    if (message === undefined) return;
    this.#underWay.delete(client);
    settle(message);
  }

  /** The session of `client` has thrown. */
  failed(client: object, error: unknown): void {
    const message = this.#underWay.get(client);
    if (message !== undefined) fail(message, error);
  }
}

async function settled(reply: PromiseLike<unknown>, message: TracedMessage): Promise<unknown> {
  try {
    return await reply;
  } catch (error) {
    fail(message, error);
    throw error;
  } finally {
    settle(message);
  }
}

function fail(message: TracedMessage, error: unknown): void {
  message.error = error;
  MESSAGE.error.publish(message);
}

function settle(message: TracedMessage): void {
  MESSAGE.asyncStart.publish(message);
  MESSAGE.asyncEnd.publish(message);
}

/** The one of this thread. */
export const messageTracing = new MessageTracing();
