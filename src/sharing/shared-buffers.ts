/** Names the memory that all threads of a server share. */
export interface SharedBuffers {
  readonly table: SharedArrayBuffer;
  readonly board: SharedArrayBuffer;
  readonly arena: SharedArrayBuffer;
  /** Where events go. */
  readonly events: SharedArrayBuffer;
  /** Where clients are counted by address; `undefined` where only the acceptor does so, for itself, or nobody. */
  readonly addresses: SharedArrayBuffer | undefined;
}
