/** Lays out what sendmsg and recvmsg work on: `struct msghdr` with one piece of memory, and the fds that go with it. */
import { SCM_RIGHTS, SOL_SOCKET } from '../constants.ts';
import type { NativeBuffer } from './native-buffer.ts';
import { MOST_FDS_SENT } from '../sys.ts';

// Offsets on every 64-bit Linux (<bits/socket.h>, cmsg(3)). Where musl has 32 bits and padding, glibc has 64: zeros fit both.
const MSG_IOV = 16;
const MSG_IOVLEN = 24;
const MSG_CONTROL = 32;
const MSG_CONTROLLEN = 40;
const MSG_SIZE = 56;
const IOV_SIZE = 16;
const CMSG_LEVEL = 8;
const CMSG_TYPE = 12;
const CMSG_DATA = 16;
const FD_SIZE = 4;
const CONTROL_SIZE = CMSG_DATA + FD_SIZE * (MOST_FDS_SENT + 1);

export class MessageHeader {
  readonly #header: NativeBuffer;
  readonly #iov: NativeBuffer;
  readonly #control: NativeBuffer;

  constructor(allocate: (size: number) => NativeBuffer) {
    this.#header = allocate(MSG_SIZE);
    this.#iov = allocate(IOV_SIZE);
    this.#control = allocate(CONTROL_SIZE);
    writeAddress(this.#header, MSG_IOV, this.#iov.address);
    writeAddress(this.#header, MSG_IOVLEN, 1);
  }

  get address(): number {
    return this.#header.address;
  }

  /** Says what to send: the `length` bytes at `address`, and `fds`. */
  write(address: number, length: number, fds: readonly number[]): void {
    if (fds.length > MOST_FDS_SENT)
      throw new RangeError(`a message has at most ${MOST_FDS_SENT} fds, got ${fds.length}`);
    const { bytes } = this.#control;
    const size = CMSG_DATA + FD_SIZE * fds.length;
    writeAddress(this.#control, 0, size);
    bytes.writeInt32LE(SOL_SOCKET, CMSG_LEVEL);
    bytes.writeInt32LE(SCM_RIGHTS, CMSG_TYPE);
    fds.forEach((fd, index) => bytes.writeInt32LE(fd, CMSG_DATA + FD_SIZE * index));
    this.#point(address, length, fds.length === 0 ? 0 : align(size));
  }

  /** Says where to receive `length` bytes; fds find room for as many as may come. */
  makeRoom(address: number, length: number): void {
    this.#point(address, length, CONTROL_SIZE);
  }

  /** Adds the fds that the last recvmsg brought to `fds`. */
  takeFds(fds: number[]): void {
    const { bytes } = this.#control;
    const filled = Number(this.#header.bytes.readBigUInt64LE(MSG_CONTROLLEN));
    let end = 0;
    for (let at = 0; at + CMSG_DATA <= filled; at = align(end)) {
      end = Math.min(filled, at + Math.max(CMSG_DATA, bytes.readUInt32LE(at)));
      if (!this.#hasRights(at)) continue;
      for (let fd = at + CMSG_DATA; fd + FD_SIZE <= end; fd += FD_SIZE) fds.push(bytes.readInt32LE(fd));
    }
  }

  #hasRights(at: number): boolean {
    const { bytes } = this.#control;
    return bytes.readInt32LE(at + CMSG_LEVEL) === SOL_SOCKET && bytes.readInt32LE(at + CMSG_TYPE) === SCM_RIGHTS;
  }

  #point(address: number, length: number, control: number): void {
    writeAddress(this.#iov, 0, address);
    writeAddress(this.#iov, 8, length);
    writeAddress(this.#header, MSG_CONTROL, control === 0 ? 0 : this.#control.address);
    writeAddress(this.#header, MSG_CONTROLLEN, control);
  }
}

function align(size: number): number {
  return (size + 7) & ~7;
}

function writeAddress(target: NativeBuffer, at: number, value: number): void {
  target.bytes.writeBigUInt64LE(BigInt(value), at);
}
