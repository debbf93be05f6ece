/** Says how the messages of a client are read, and its replies written: with a framing, and as what the service expects. */
import { HeddleError } from '../../errors.ts';
import type { Framing } from '../../framing/frame.ts';
import type { NativeBuffer } from '../../sys/structs/native-buffer.ts';
import { borrows, type ReadMessage, readMessageFor } from '../bytes/read-message.ts';
import type { Service } from '../service.ts';

export interface Codec {
  /** Its name among the `framings` of the service; `undefined`: it is what `framing` or an option says. */
  readonly name: string | undefined;
  /** What the slot of a client says of it that has asked for it by name; 0: it has none. */
  readonly mode: number;
  readonly framing: Framing;
  /** Makes what the service gets from what the decoder found. */
  readonly readMessage: ReadMessage;
  /** The bytes of which messages are views, not copies: those of the thread's read buffer, if the service borrows. */
  readonly lends: Buffer | undefined;
  /** Whether messages may be made before the service asks for them. */
  readonly readsAhead: boolean;
}

/** A framing that a service has by name. */
export interface NamedFraming {
  readonly name: string | undefined;
  readonly framing: Framing;
}

/** Where messages lie. */
interface CodecMemory {
  /** The thread's read buffer. */
  readonly input: NativeBuffer;
  /** Where a borrowed message is copied that does not lie there. */
  readonly aside: Buffer;
}

/** The codecs of one service, on one thread. */
export class Codecs {
  /** The one that clients begin with. */
  readonly first: Codec;
  readonly #all: readonly Codec[];

  /** `framings`: the first of them is what clients begin with. */
  constructor(service: Service, framings: readonly [NamedFraming, ...NamedFraming[]], memory: CodecMemory) {
    const { input, aside } = memory;
    const make = ({ name, framing }: NamedFraming): Codec => ({
      name,
      mode: modeOf(name),
      framing,
      readMessage: readMessageFor(service, framing, input, aside),
      lends: borrows(service, framing) ? input.bytes : undefined,
      readsAhead: framing.encode === undefined && !borrows(service, framing),
    });
    this.first = make(framings[0]);
    this.#all = [this.first, ...framings.slice(1).map(make)];
  }

  /** Errors: `HEDDLE_INVALID_OPTION` if the service has no framing of that name. */
  named(name: unknown): Codec {
    const codec = this.#all.find((known) => known.name === name);
    if (codec !== undefined) return codec;
    const names = this.#all.map((known) => (known.name === undefined ? 'undefined' : `'${known.name}'`)).join(', ');
    const given = typeof name === 'string' ? `'${name}'` : String(name);
    throw new HeddleError(
      'HEDDLE_INVALID_OPTION',
      `The service has no framing ${given}; client.framing can be ${names}`,
    );
  }

  /** The one that a slot names, where 0 is what clients begin with; `undefined`: this service has none like it. */
  ofMode(mode: number): Codec | undefined {
    if (mode === 0) return this.first;
    return this.#all.find((codec) => codec.mode === mode);
  }
}

/** The same codec for one client, with whom its framing may keep a state: `saved` is what it has kept. */
export function codecFor(codec: Codec, saved: unknown): Codec {
  const { forClient } = codec.framing;
  return forClient === undefined ? codec : { ...codec, framing: forClient(saved) };
}

/** FNV-1a (Fowler, Noll, Vo), folded. */
const [FNV_BASIS, FNV_PRIME] = [0x811c9dc5, 0x01000193];

/**
 * What stands for a name in 16 bits of a slot: the same in every process and after every reload, whatever other framings there are. 0
 * is no name. Two names that have the same one do not go together: see `framingsOf`.
 */
export function modeOf(name: string | undefined): number {
  if (name === undefined) return 0;
  let hash = FNV_BASIS;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), FNV_PRIME);
  return (hash >>> 16) ^ (hash & 0xffff) || 1;
}
