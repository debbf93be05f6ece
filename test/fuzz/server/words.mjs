// Messages of the fuzzer's clients, and what their service answers: no part of one is a part of another.

/** A prime, so that what is off by a power of two shows. */
const PERIOD = 509;

/** So many letters that only `nonce` has. */
export function lettersOf(nonce, length) {
  let state = 2_166_136_261;
  for (let at = 0; at < nonce.length; at++) state = Math.imul(state ^ nonce.charCodeAt(at), 16_777_619);
  const block = Buffer.allocUnsafe(Math.min(PERIOD, length));
  for (let at = 0; at < block.length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    block[at] = 97 + ((state >>> 16) % 26);
  }
  return length === 0 ? block : Buffer.alloc(length, block);
}

/** What a client says: what is to be done, how many letters it wants back, its nonce, and letters of its own. */
export function messageOf({ way, wants, nonce, letters }) {
  return Buffer.concat([Buffer.from(`${way} ${wants} ${nonce} `), lettersOf(nonce, letters)]);
}

export function replyOf(nonce, wants) {
  return Buffer.concat([Buffer.from(`${nonce} `), lettersOf(`reply to ${nonce}`, wants)]);
}

/** Reads a message. Throws if it is not as a client has made it. */
export function read(message) {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const [way = '', wants = '', nonce = ''] = bytes.toString('latin1', 0, 80).split(' ');
  const start = way.length + wants.length + nonce.length + 3;
  if (!bytes.subarray(start).equals(lettersOf(nonce, bytes.length - start)))
    throw new Error(`a message of ${bytes.length} bytes is not as it was sent: ${bytes.toString('latin1', 0, 80)}`);
  return { way, wants: Number(wants), nonce };
}
