/** Used to run `heddle serve`: start, print what happens, leave well. */

import type { Server } from '../server/server.ts';
import { serve } from '../server/server.ts';
import { serviceUrl } from '../server/service-url.ts';
import { formatDuration } from '../options/duration.ts';
import { Log, type LogStreams } from '../log/log.ts';
import type { ServeOptions } from '../options/serve-options.ts';
import { bannerLines, serviceText } from './banner.ts';
import { reloadOnChange, reloadOnHangup } from './reload.ts';
import { type Invocation, readServeCommand, type ServeCommandSettings } from './serve-command-options.ts';
import { SECOND_SIGNAL_STATUS, onLeavingSignals } from './signals.ts';

/** Runs until the server has ended; gives the exit status. Rejects with a HeddleError if it cannot start or go on. */
export async function runServe(
  invocation: Invocation,
  streams: LogStreams,
  startServer: typeof serve = serve,
): Promise<number> {
  const settings = await readServeCommand(invocation);
  const log = new Log(settings.logFormat, streams);
  const server = await startServer(serverOptions(settings, log));
  sayListening(server, settings, log, invocation.directory);
  let status = 0;
  const stopReloading = reloadOnHangup(server);
  const stopWatching = settings.watch ? reloadOnChange(server, serviceUrl(settings.service)) : undefined;
  const stopListening = onLeavingSignals({
    first(signal) {
      const within = formatDuration(settings.shutdownTimeout);
      const text = `Leaving: clients are still answered, for at most ${within}. Once more, and it ends at once`;
      log.say([text], { type: 'leaving', time: Date.now(), signal });
      void server.drain().catch(() => {});
    },
    second(signal) {
      status = SECOND_SIGNAL_STATUS[signal];
      void server.close().catch(() => {});
    },
  });
  try {
    await server.closed;
    return status;
  } finally {
    stopListening();
    stopReloading();
    stopWatching?.();
    await log.end();
  }
}

function serverOptions(settings: ServeCommandSettings, log: Log): ServeOptions {
  const { bytes, logFormat: _logFormat, config: _config, watch: _watch, ...others } = settings;
  const { tlsCert: _cert, tlsKey: _key, tlsCa: _ca, tlsRequestClientCert: _request, ...options } = others;
  const service = options.service ?? (bytes ? new URL('../services/reverse-bytes.js', import.meta.url) : undefined);
  return { ...options, service, onEvent: (event) => log.event(event) };
}

function sayListening(server: Server, settings: ServeCommandSettings, log: Log, directory: string): void {
  const { host, port } = server.address;
  const service = serviceText(settings.service, settings.bytes, directory);
  const { threads } = server;
  const record = { type: 'listening', time: Date.now(), host, port, service, threads } as const;
  log.say(bannerLines({ service, threads, tls: settings.tls !== undefined, host: settings.host, port }), record);
}
