/** Makes what a thread is started with, from a server's settings and shared memory. */
import type { AcceptorStart } from '../../acceptor/messages.ts';
import type { AddressLimits } from '../../connection/address-rules.ts';
import type { Credentials } from '../../options/tls/credentials.ts';
import type { NameOf } from '../../options/source.ts';
import type { Timeouts } from '../../sharing/deadlines.ts';
import { packShared } from '../../sharing/shared-values.ts';
import type { ThreadStart } from '../../thread/messages.ts';
import type { LimitedSettings } from '../memory-limit.ts';
import type { SharedMemory } from '../shared-memory.ts';

/** What may wait to be sent to a client by default, in bytes; more if messages may be longer. */
const MIN_UNSENT_BYTES = 2 ** 20;

/** What an acceptor of any engine is started with. */
export function acceptorStart(settings: LimitedSettings, memory: SharedMemory): AcceptorStart {
  const { threads, placement, clientsPerThread, moveAfter, proxyProtocol, handlerTimeout } = settings;
  const { maxClients, overflow } = settings;
  return {
    ...memory.buffers,
    events: memory.reportsAll ? memory.buffers.events : undefined,
    counters: memory.counters.buffer,
    limits: { maxClients, overflow, ...addressLimits(settings) },
    threads,
    placement,
    clientsPerThread,
    moveAfter,
    proxies: proxyProtocol,
    handlerTimeout,
    timeouts: timeoutsOf(settings),
    maxMemory: settings.maxMemory,
  };
}

/** What service threads of any engine are started with. Errors, which name options with `nameOf`: `HEDDLE_INVALID_OPTION`. */
export function serviceThreadStart(
  settings: LimitedSettings,
  memory: SharedMemory,
  service: URL,
  tls: Credentials | undefined,
  nameOf: NameOf,
): Omit<ThreadStart, 'thread'> {
  const { framing, maxMessageLength, maxUnsent, shared = {} } = settings;
  return {
    ...memory.buffers,
    reports: memory.reportsAll ? 'all' : 'errors',
    tls,
    service: service.href,
    framing,
    maxMessageLength,
    timeouts: timeoutsOf(settings),
    maxUnsent: maxUnsent ?? Math.max(MIN_UNSENT_BYTES, maxMessageLength),
    maxMemory: settings.maxMemory,
    limits: settings.proxyProtocol.length === 0 ? undefined : addressLimits(settings),
    shared: packShared(shared, (name) => nameOf('shared', `.${name}`)),
  };
}

function addressLimits({ maxClientsPerAddress, allow, deny }: LimitedSettings): AddressLimits {
  return { maxClientsPerAddress, allow, deny };
}

function timeoutsOf({ idleTimeout, messageTimeout, sendTimeout }: LimitedSettings): Timeouts {
  return { idleTimeout, messageTimeout, sendTimeout };
}
