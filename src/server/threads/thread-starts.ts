/** Makes of a server's settings and shared memory what its threads are started with. */
import type { AcceptorStart } from '../../acceptor/messages.ts';
import type { NameOf } from '../../options/source.ts';
import { type LimitedSettings, threadSettings } from '../../options/thread-settings.ts';
import type { Credentials } from '../../options/tls/credentials.ts';
import { packShared } from '../../sharing/shared-values.ts';
import type { ThreadStart } from '../../thread/messages.ts';
import type { SharedMemory } from '../shared-memory.ts';

/** What an acceptor of any engine is started with. */
export function acceptorStart(settings: LimitedSettings, memory: SharedMemory): AcceptorStart {
  return {
    memory: memory.buffers,
    counters: memory.counters.buffer,
    reports: memory.reportsAll,
    settings: threadSettings(settings),
  };
}

/** The module of a service, and what is known that it needs. */
export interface ServiceModule {
  readonly service: URL;
  readonly needs: object;
}

/** What service threads of any engine are started with. Errors, which name options with `nameOf`: `HEDDLE_INVALID_OPTION`. */
export function serviceThreadStart(
  settings: LimitedSettings,
  memory: SharedMemory,
  { service, needs }: ServiceModule,
  tls: Credentials | undefined,
  nameOf: NameOf,
): Omit<ThreadStart, 'thread'> {
  return {
    memory: memory.buffers,
    settings: threadSettings(settings),
    service: service.href,
    needs,
    tls,
    shared: packShared(settings.shared ?? {}, (name) => nameOf('shared', `.${name}`)),
    reports: memory.reportsAll ? 'all' : 'errors',
  };
}
