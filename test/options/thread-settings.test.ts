import { describe, expect, it } from 'vitest';
import { parseServeOptions, serveSchema } from '../../src/options/serve-options.ts';
import { threadSettings } from '../../src/options/thread-settings.ts';

const LIMITS = { maxClients: 100, maxMemory: 2 ** 20, maxUnsent: 2 ** 16 };

describe('the settings of a thread', () => {
  it('are all settings of the server, as they are', () => {
    const settings = { ...parseServeOptions({ idleTimeout: '1h', framing: 'line' }), ...LIMITS };
    expect({ service: undefined, ...threadSettings(settings) }).toEqual({ service: undefined, ...settings });
  });

  it('can be copied to a thread, whatever the options are', () => {
    // From Node 24 on a URL cannot be copied; what is to be copied here must not be one on any version.
    const service = new URL('file:///service.mjs');
    const tls = { cert: 'cert.pem', key: 'key.pem' };
    const options = { onEvent: () => {}, service, shared: { log: () => {} }, tls };
    const settings = threadSettings({ ...parseServeOptions(options), ...LIMITS });
    expect(structuredClone(settings)).toEqual(settings);
    expect(Object.values(settings).filter((value) => value instanceof URL)).toEqual([]);
  });

  it('leave out nothing but what stays on the main thread', () => {
    const all = Object.fromEntries(Object.keys(serveSchema.entries).map((name) => [name, name]));
    const left = Object.keys(all).filter((name) => !(name in threadSettings(all as never)));
    expect(left.toSorted()).toEqual(['onEvent', 'service', 'shared', 'tls']);
  });
});
