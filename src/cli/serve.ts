/** Runs `heddle serve`: starts, prints what happens, and shuts down gracefully. */
import { setFlagsFromString } from 'node:v8';
import { errorToRecord, HeddleError } from '../errors.ts';
import { escapeText } from '../log/escape.ts';
import type { Server } from '../server/server.ts';
import { serve } from '../server/server.ts';
import { builtIn, serviceUrl } from '../server/service-url.ts';
import { formatDuration } from '../options/values/duration.ts';
import { Log, type LogSettings, type LogStreams } from '../log/log.ts';
import { LISTEN_OPTIONS } from '../options/listen-options.ts';
import { canBeNeeded } from '../options/needs.ts';
import type { ServeOptions } from '../options/serve-options.ts';
import type { NameOf } from '../options/source.ts';
import { openLibc } from '../sys/libc.ts';
import { endProcess } from './end-process.ts';
import { ownControlPath } from './control/folder.ts';
import { bannerLines, metricsUrl, serviceText } from './banner.ts';
import { reloadOnChange, reloadOnHangup, watchFailedLine } from './reload.ts';
import { type Invocation, readServeCommand, type ServeCommandSettings } from './serve-command-options.ts';
import { ServiceManager } from './systemd/service-manager.ts';
import { type LeavingListener, SECOND_SIGNAL_STATUS, onLeavingSignals } from './signals.ts';

/**
 * Has each thread collect its young garbage alone. By default V8 shares that out to four threads of its own: they take the
 * CPU from service threads, of which there is one for each CPU, and who collects waits for them. Measured with async
 * handlers on one CPU, the server needs 3 to 9 % less without.
 *
 * And has no thread collect all its garbage because it has little to do. V8 does that eight seconds after the start and again
 * later, in all threads of a process at once: on two CPUs, beside one client that computes, others wait for 15 to 39 ms,
 * and at most 7 without. Memory is the same (`idle-memory`).
 */
const COLLECTOR = ['--no-parallel-scavenge', '--no-memory-reducer'] as const;

/** How long the process stays when a thread of it does not end, in ms. */
const LAST_WORDS_MS = 20;

/** Runs until the server has ended; gives the exit status. Rejects with a HeddleError if it cannot start or go on. */
export async function runServe(
  invocation: Invocation,
  streams: LogStreams,
  startServer: typeof serve = serve,
): Promise<number> {
  const { settings, nameOf, isGiven, config } = await readServeCommand(invocation);
  for (const flag of COLLECTOR) setFlagsFromString(flag);
  const manager = ServiceManager.open(invocation.environment, process.pid, openLibc);
  const log = new Log(logSettings(settings), streams, invocation.environment);
  if (streams === process) log.standIn(process);
  const options = { ...serverOptions(settings, log, isGiven), ...handedOver(settings, manager, nameOf) };
  const server = await startServer(options, nameOf);
  await openControl(server, settings, log, invocation.environment);
  sayListening(server, settings, log, { directory: invocation.directory, config });
  manager.ready(settings.takeOver === undefined ? undefined : process.pid);
  try {
    return await attend(server, { settings, log, manager, hasTerminal: invocation.hasTerminal === true });
  } finally {
    await log.end();
    // What is printed last, and the status, come from the caller.
    if (server.lostThreads > 0) setTimeout(() => endProcess(Number(process.exitCode)), LAST_WORDS_MS);
  }
}

/** Unless told where, or not to, the command has a control socket of its own; without one it goes on. */
async function openControl(
  server: Server,
  { control }: ServeCommandSettings,
  log: Log,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  if (control !== undefined) return;
  const own = ownControlPath(environment);
  try {
    if ('problem' in own) throw new HeddleError('HEDDLE_LISTEN', own.problem);
    await server.openControl(own.path);
  } catch (error) {
    const record = { type: 'no-control', time: Date.now(), error: errorToRecord(error, 'HEDDLE_LISTEN') } as const;
    const text = `There is no control socket: ${record.error.message}. Choose a path with --control, or --control off`;
    log.problem(escapeText(text), record);
  }
}

interface Attendance {
  readonly settings: ServeCommandSettings;
  readonly log: Log;
  readonly manager: ServiceManager;
  readonly hasTerminal: boolean;
}

/** Does what signals, files and systemd ask of `server` until it has ended; gives the exit status. */
async function attend(server: Server, { settings, log, manager, hasTerminal }: Attendance): Promise<number> {
  let status = 0;
  const leaving: LeavingListener = {
    first(signal) {
      log.leaving(shutdownLine(settings), { type: 'leaving', time: Date.now(), signal });
      manager.stopping();
      void server.drain().catch(() => {});
    },
    second(signal) {
      status = SECOND_SIGNAL_STATUS[signal];
      void server.close().catch(() => {});
    },
  };
  const announced = manager.announcing(server);
  const stops = [manager.watch(server), onLeavingSignals(leaving, hasTerminal)];
  if (!hasTerminal) stops.push(reloadOnHangup(announced));
  const notWatching = (error: Error): void => {
    const record = {
      type: 'watch-failed',
      time: Date.now(),
      error: errorToRecord(error, 'HEDDLE_UNSUPPORTED'),
    } as const;
    log.problem(escapeText(watchFailedLine(error)), record);
  };
  if (settings.watch) stops.push(reloadOnChange(announced, serviceUrl(settings.service), notWatching));
  try {
    await server.closed;
    return status;
  } finally {
    for (const stop of stops) stop();
  }
}

function shutdownLine({ drainDelay, shutdownTimeout }: ServeCommandSettings): string {
  const more = drainDelay === 0 ? '' : `accepting clients for ${formatDuration(drainDelay)} more, then `;
  const within = formatDuration(shutdownTimeout);
  return `Shutting down: ${more}finishing replies for up to ${within}. Press Ctrl-C again to stop at once`;
}

function logSettings({ logFormat, logLevel, quiet, service }: ServeCommandSettings): LogSettings {
  const words = service === undefined ? 'article' : 'plain';
  return { format: logFormat, level: quiet ? 'warn' : logLevel, words };
}

/** What the service may say is left out where nobody has given it. */
function serverOptions(settings: ServeCommandSettings, log: Log, isGiven: (name: string) => boolean): ServeOptions {
  const { bytes, config: _config, watch: _watch, ...unreadClients } = settings;
  const { logFormat: _logFormat, logLevel: _logLevel, quiet: _quiet, ...others } = unreadClients;
  const { tlsCert: _cert, tlsKey: _key, tlsCa: _ca, tlsCrl: _crl, ...unnamed } = others;
  const { tlsRequestClientCert: _request, tlsStart: _start, ...options } = unnamed;
  const service = options.service ?? (bytes ? builtIn('reverse-bytes') : undefined);
  const given = Object.entries(options).filter(([name]) => isGiven(name) || !canBeNeeded(name));
  return { ...Object.fromEntries(given), service, onEvent: (event) => log.event(event) };
}

/** The sockets that systemd has opened, if there are any: then nothing else may say where to listen. */
function handedOver(
  settings: ServeCommandSettings,
  { listenFds }: ServiceManager,
  nameOf: NameOf,
): Pick<ServeOptions, 'listenFds'> {
  if (listenFds.length === 0) return {};
  const given = LISTEN_OPTIONS.find((name) => settings[name] !== undefined);
  if (given === undefined) return { listenFds };
  const rival = nameOf(given);
  const text = `systemd hands over listening sockets (LISTEN_FDS=${listenFds.length}), but ${rival} is given as well`;
  throw new HeddleError('HEDDLE_INVALID_OPTION', `${text}; leave out ${rival}, or the socket unit`);
}

function sayListening(
  server: Server,
  settings: ServeCommandSettings,
  log: Log,
  { directory, config }: { readonly directory: string; readonly config: string | undefined },
): void {
  const { address, addresses, engine, metricsAddress: metrics, threads } = server;
  const { host, port } = address;
  const service = serviceText(settings.service, settings.bytes, directory);
  const about = {
    host,
    port,
    addresses,
    service,
    threads,
    engine,
    ...(config !== undefined && { config }),
    ...(metrics && { metrics: metricsUrl(metrics) }),
  };
  const isListed = settings.listen !== undefined;
  const isBuiltIn = settings.service === undefined;
  const tls = settings.tls && (settings.tls.start ?? 'now');
  log.listening(bannerLines({ service, isBuiltIn, threads, addresses, engine, tls, isListed, config, metrics }), {
    type: 'listening',
    time: Date.now(),
    ...about,
  });
}
