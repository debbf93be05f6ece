/** Says what a rate of messages is: how many a client may send, and in which time. */

export const OVER_RATES = ['wait', 'close'] as const;
export const RATED_BY = ['client', 'address'] as const;

/** How many messages a client may send. */
export interface Rate {
  /** How many messages in which time: `100/s`, `6000/m` or `1000/h`. */
  readonly messages: string;
  /** How many messages may come at once, after a pause. @default the number in `messages` */
  readonly burst?: number | undefined;
  /** What becomes of a client that sends more: its messages wait, or it is closed with reason `over-rate`. @default 'wait' */
  readonly over?: (typeof OVER_RATES)[number] | undefined;
  /** What the rate is for: each client, or all clients of an IPv4 address, or of a /64 of IPv6. @default 'client' */
  readonly by?: (typeof RATED_BY)[number] | undefined;
}

/** A rate with every default filled in. */
export type FullRate = { readonly [Name in keyof Rate]-?: NonNullable<Rate[Name]> };

/** A rate; as text `100/s,burst=200,over=close,by=address`, of which all but the first may be left out. `none`: no limit. */
export type RateInput = string | Rate;

const PERIODS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** Gives how long one message takes at a rate such as `100/s`, in ms; 0 if it is none. */
export function intervalOf(messages: unknown): number {
  const [, count, unit] = (typeof messages === 'string' && /^(\d{1,12})\/([smh])$/.exec(messages)) || [];
  const period = PERIODS[unit ?? ''] ?? 0;
  return Number(count) > 0 ? period / Number(count) : 0;
}
