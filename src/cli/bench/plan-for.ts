/** Plans the load on one target: looks its address up, asks it what a right reply is, and says who sends what. */

import { connect } from '../../client/connect.ts';
import { peerText } from '../../client/peer-text.ts';
import { HeddleError } from '../../errors.ts';
import { createFraming } from '../../framing/framing.ts';
import type { Expected } from '../../load/messages/expected.ts';
import { blankOf } from '../../load/messages/fields.ts';
import { Messages } from '../../load/messages/messages.ts';
import type { GroupPlan, LoadPlan } from '../../load/plan.ts';
import { loadReplyCheck } from '../../load/messages/reply-module.ts';
import { findExpected } from '../../load/messages/probe.ts';
import { listeningProcess } from '../../load/server-process.ts';
import { addressesOf, isLoopback, type Target } from '../../load/target.ts';
import type { ConnectSettings } from '../../options/connect-options.ts';
import type { NameOf } from '../../options/source.ts';
import { formatSize } from '../../options/values/size.ts';
import { openLibc } from '../../sys/libc.ts';
import type { SocketAddress } from '../../sys/sys.ts';
import type { BenchSettings } from './bench-command-options.ts';
import type { Beside } from './beside.ts';
import { parseRamp } from './ranges.ts';
import { parseExpected, textsFor } from './texts.ts';

/** Clients that send their next message when they have a reply, and stay. */
const CLOSED_LOOP = {
  rate: undefined,
  rampTo: undefined,
  thinkMs: 0,
  pattern: 'even',
  pipeline: 1,
  churn: 0,
  resets: 0,
} as const;

/** A message of so many bytes reaches a server on this machine in one part. */
const WHOLE_BYTES = 32 * 1024;

type Server = Omit<ConnectSettings, 'signal'>;

/** Rejects with HEDDLE_INVALID_OPTION, HEDDLE_CONNECT, HEDDLE_TIMEOUT or HEDDLE_CLOSED. */
export async function planFor(
  target: Target,
  beside: readonly Beside[],
  settings: BenchSettings,
  nameOf: NameOf,
): Promise<LoadPlan> {
  const { duration, framing, maxMessageLength, seed, timeout, tls, warm } = settings;
  if (framing === 'end')
    throw new HeddleError(
      'HEDDLE_INVALID_OPTION',
      '--framing end has one message for each connection, which bench does not measure',
    );
  const { host, port, unix } = target;
  const server: Server = { host, port, unix, framing, maxMessageLength, timeout, tls };
  const addresses = await addressesOf(target);
  if (!settings.far && !addresses.every(isLoopback)) throw notHere(target);
  const groups = [await clientsOf(server, settings, nameOf)];
  for (const each of beside) groups.push(await besideOf(each, server, nameOf));
  if (framing === 'chunk') for (const group of groups) refuseParts(group);
  return {
    address: await ownAddress(server, addresses),
    settings: server,
    groups,
    idle: settings.idle,
    connectRate: settings.connectRate ?? Infinity,
    warmMs: warm,
    ms: duration,
    timeoutMs: timeout,
    seed,
    server: addresses.every(isLoopback) ? addresses.map(listeningProcess).find(Boolean) : undefined,
    trace: settings.trace,
    firstClient: 1,
  };
}

/** Clients beside the others send one text in a closed loop. */
async function besideOf({ clients, text }: Beside, server: Server, nameOf: NameOf): Promise<GroupPlan> {
  const expected = await findOut(server, [text], nameOf);
  void new Messages([text], createFraming(server.framing, server.maxMessageLength), expected, 0);
  return { ...CLOSED_LOOP, name: text, clients, texts: [text], expected };
}

async function clientsOf(server: Server, settings: BenchSettings, nameOf: NameOf): Promise<GroupPlan> {
  const texts = textsFor(settings);
  const ramp = settings.ramp === undefined ? undefined : parseRamp(settings.ramp);
  const expected = parseExpected(settings.expect) ?? (await findOut(server, texts, nameOf));
  // A text that the framing cannot carry, and a module that cannot be loaded, are refused here, before any thread is started.
  if (expected.kind === 'module') await loadReplyCheck(expected.href);
  void new Messages(texts, createFraming(server.framing, server.maxMessageLength), expected, 0);
  const rate = ramp?.from ?? settings.rate;
  const preset = rate === undefined || server.framing === 'chunk' ? 1 : Infinity;
  return {
    name: 'clients',
    clients: settings.clients,
    texts,
    expected,
    rate,
    rampTo: ramp?.to,
    thinkMs: settings.think ?? 0,
    pattern: settings.arrivals,
    pipeline: settings.pipeline ?? preset,
    churn: settings.churn,
    resets: settings.reset / 100,
  };
}

/**
 * Without message boundaries, a server sees a long message in parts. A reply that is not made byte by byte is then one for each part.
 * Throws HEDDLE_INVALID_OPTION.
 */
function refuseParts({ expected, texts }: GroupPlan): void {
  const longest = Math.max(...texts.map((text) => blankOf(text).bytes.length));
  if (longest <= WHOLE_BYTES || ['echo', 'upper', 'lower', 'length'].includes(expected.kind)) return;
  throw new HeddleError(
    'HEDDLE_INVALID_OPTION',
    `A message of ${longest} bytes with --framing chunk may reach the server in parts, each with a reply of its own: send ${formatSize(WHOLE_BYTES)} at most, or use a framing that says where a message ends, such as --framing line, on both sides`,
  );
}

async function findOut(server: Server, texts: readonly string[], nameOf: NameOf): Promise<Expected> {
  const [text = '', ...others] = texts;
  try {
    const expected = await findExpected(async () => connect(server, nameOf), text, server.framing === 'chunk');
    return expected.kind === 'same' && others.length > 0 ? { kind: 'none' } : expected;
  } catch (error) {
    if (!(error instanceof HeddleError) || !['HEDDLE_TIMEOUT', 'HEDDLE_CLOSED'].includes(error.code)) throw error;
    const advice = 'Does it take this message, and these ends of messages? See --message and --framing';
    throw new HeddleError(
      error.code,
      `No reply from ${peerText(server)} to a first message: ${error.message}. ${advice}`,
      {
        cause: error,
      },
    );
  }
}

/** The address for sockets of Heddle's own; `undefined`: Node's are used, under TLS or where there is no epoll. */
async function ownAddress(server: Server, addresses: readonly SocketAddress[]): Promise<SocketAddress | undefined> {
  if (server.tls !== undefined || !hasEpoll()) return undefined;
  const [only, ...others] = addresses;
  if (others.length === 0) return only;
  for (const address of addresses) if (await answers(server, address)) return address;
  return undefined;
}

function hasEpoll(): boolean {
  try {
    openLibc();
    return true;
  } catch (error) {
    if (error instanceof HeddleError && error.code === 'HEDDLE_UNSUPPORTED') return false;
    throw error;
  }
}

/** A name may have addresses at which nobody listens: `localhost` is `::1` too. */
async function answers(server: Server, { address }: SocketAddress): Promise<boolean> {
  try {
    const connection = await connect({ ...server, host: address });
    await connection.close();
    return true;
  } catch (error) {
    if (error instanceof HeddleError) return false;
    throw error;
  }
}

function notHere({ name }: Target): HeddleError {
  const text = `${name} is not on this machine. If the server is yours and may be loaded, say --far`;
  return new HeddleError('HEDDLE_INVALID_OPTION', text);
}
