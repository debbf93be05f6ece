/** Says what a server's settings are once all limits are known, and what of them its threads get: everything that is data. */
import type { ServeSettings } from './serve-options.ts';

/** Limits that have a value even where the options do not say one. */
export interface KnownLimits {
  readonly maxClients: number;
  readonly maxMemory: number;
  readonly maxUnsent: number;
}

/** The settings of a server, with all limits known. */
export type LimitedSettings = Omit<ServeSettings, keyof KnownLimits> & KnownLimits;

/** Settings that stay on the main thread, or reach the others in a form of their own. */
const KEPT_BACK = ['onEvent', 'service', 'shared', 'tls'] as const;

/** The settings of a server as its threads have them. A new option is among them without being named anywhere. */
export type ThreadSettings = Omit<LimitedSettings, (typeof KEPT_BACK)[number]>;

/** Leaves out what cannot be copied to a thread. */
export function threadSettings(settings: LimitedSettings): ThreadSettings {
  const kept = Object.entries(settings).filter(([name]) => !(KEPT_BACK as readonly string[]).includes(name));
  return Object.fromEntries(kept) as unknown as ThreadSettings;
}
