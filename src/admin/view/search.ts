/** Turns what somebody types to find clients into conditions, as `heddle clients --where` takes them. */

const CLIENT = /^#?(\d+)$/;
const NETWORK = /^(?:[\d.]+(?:\/\d+)?|[\da-f]*:[\da-f:.]*:[\da-f:.]*(?:\/\d+)?|unix)$/i;
const PLACE = /^(?:([\d.]+)|\[([\da-f:.]+)\]):(\d+)$/i;

/** Such as `id=88213` of `#88213`, or `address=10.0.0.0/8` of `10.0.0.0/8`; conditions stay as they are. */
export function whereOf(text: string): string {
  const typed = text.trim();
  const [, id] = CLIENT.exec(typed) ?? [];
  if (id !== undefined) return `id=${id}`;
  if (NETWORK.test(typed)) return `address=${typed}`;
  const [, v4, v6, port] = PLACE.exec(typed) ?? [];
  return port === undefined ? typed : `address=${v4 ?? v6} and port=${port}`;
}
