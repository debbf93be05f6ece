/** Reads and writes the number in a length field: of a fixed width, or a varint. */

/** How many bytes a field takes; a varint takes as few as its value needs, at most 4 or as many as given. */
export type FieldSize = 1 | 2 | 3 | 4 | 8 | 'varint' | { readonly varint: VarintSize };
export type VarintSize = 1 | 2 | 3 | 4 | 5 | 8;

/** What `read` gives in place of a number: the field has not arrived as a whole; it is a varint that goes on for too long. */
export const UNFINISHED = -1;
const ENDLESS = -2;

/** How wide a varint may be if nothing else is said: MQTT's. */
const VARINT_SIZE = 4;

export interface Field {
  /** How many bytes the field takes at most. */
  readonly most: number;
  /** How many bytes the field took that was read last. */
  readonly width: number;
  /** Gives the number of the field at `at` of `bytes`, of which those up to `to` have arrived; or UNFINISHED or ENDLESS. */
  read(bytes: Buffer, at: number, to: number): number;
  /**
   * Writes `value`, and how many bytes the field takes on top where it `countsItself`; returns how many bytes that was, 0 if the field
   * cannot say the number.
   */
  write(value: number, countsItself: boolean, target: Buffer, at: number): number;
}

/** Makes the field of that width and byte order. */
export function fieldOf(size: FieldSize, endian: 'big' | 'little'): Field {
  if (size === 'varint') return new Varint(VARINT_SIZE);
  if (typeof size === 'object') return new Varint(size.varint);
  return endian === 'big' ? new BigEndian(size) : new LittleEndian(size);
}

/*
 * Numbers are multiplied, not shifted, since 32 bits would come out negative. Those above 2^53 come out rounded, which is enough to find
 * them longer than any message may be.
 */

class BigEndian implements Field {
  readonly most: number;
  readonly width: number;

  constructor(size: number) {
    this.most = size;
    this.width = size;
  }

  read(bytes: Buffer, at: number, to: number): number {
    const end = at + this.width;
    if (end > to) return UNFINISHED;
    let value = 0;
    for (let index = at; index < end; index++) value = value * 256 + (bytes[index] as number);
    return value;
  }

  write(value: number, countsItself: boolean, target: Buffer, at: number): number {
    const { width } = this;
    let rest = countsItself ? value + width : value;
    if (!fits(rest, width)) return 0;
    for (let index = at + width - 1; index >= at; index--) {
      target[index] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return width;
  }
}

class LittleEndian implements Field {
  readonly most: number;
  readonly width: number;

  constructor(size: number) {
    this.most = size;
    this.width = size;
  }

  read(bytes: Buffer, at: number, to: number): number {
    const end = at + this.width;
    if (end > to) return UNFINISHED;
    let value = 0;
    for (let index = end - 1; index >= at; index--) value = value * 256 + (bytes[index] as number);
    return value;
  }

  write(value: number, countsItself: boolean, target: Buffer, at: number): number {
    const { width } = this;
    let rest = countsItself ? value + width : value;
    if (!fits(rest, width)) return 0;
    for (let index = at; index < at + width; index++) {
      target[index] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return width;
  }
}

function fits(value: number, width: number): boolean {
  return value >= 0 && value < 256 ** width;
}

class Varint implements Field {
  readonly most: number;
  width = 0;

  constructor(most: number) {
    this.most = most;
  }

  read(bytes: Buffer, at: number, to: number): number {
    const last = at + this.most;
    let value = 0;
    let unit = 1;
    for (let index = at; index < last; index++) {
      if (index >= to) return UNFINISHED;
      const byte = bytes[index] as number;
      value += (byte & 127) * unit;
      if (byte < 128) {
        this.width = index + 1 - at;
        return value;
      }
      unit *= 128;
    }
    return ENDLESS;
  }

  write(value: number, countsItself: boolean, target: Buffer, at: number): number {
    for (let width = 1; width <= this.most; width++) {
      const says = countsItself ? value + width : value;
      if (says < 0) continue; // A wider field would make it a number.
      if (says < 128 ** width) return putVarint(says, width, target, at);
    }
    return 0;
  }
}

function putVarint(value: number, width: number, target: Buffer, at: number): number {
  let rest = value;
  for (let index = at; index < at + width; index++) {
    target[index] = (rest % 128) + (index < at + width - 1 ? 128 : 0);
    rest = Math.floor(rest / 128);
  }
  return width;
}
