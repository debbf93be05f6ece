/** All rows, in the order of the table. */
import type { Row } from './row.ts';
import { badLengths } from './rows/bad-lengths.ts';
import { blockedCode } from './rows/blocked-code.ts';
import { connectAndReset } from './rows/connect-and-reset.ts';
import { deadPeers } from './rows/dead-peers.ts';
import { fatal } from './rows/fatal.ts';
import { deepStacks } from './rows/deep-stacks.ts';
import { halfClose } from './rows/half-close.ts';
import { halvesOfOthers, halvesThatWent } from './rows/halves.ts';
import { hostileBytes } from './rows/hostile-bytes.ts';
import { identity } from './rows/identity.ts';
import { idleAfter } from './rows/idle-after.ts';
import { kicks } from './rows/kicks.ts';
import { lastReply } from './rows/last-reply.ts';
import { largeReply } from './rows/large-reply.ts';
import { maxMemory, memoryBack } from './rows/memory.ts';
import { mixedUp } from './rows/mixed-up.ts';
import { neverReads } from './rows/never-reads.ts';
import { neverReturns } from './rows/never-returns.ts';
import { noWait } from './rows/no-wait.ts';
import { outOfFds } from './rows/out-of-fds.ts';
import { proxyHeaders } from './rows/proxy-headers.ts';
import { reloads } from './rows/reloads.ts';
import { restarts } from './rows/restarts.ts';
import { takeOvers } from './rows/take-overs.ts';
import { sigterm } from './rows/sigterm.ts';
import { slowSenders } from './rows/slow-senders.ts';
import { threadDies } from './rows/thread-dies.ts';
import { threadsKilled } from './rows/threads-killed.ts';
import { stopped } from './rows/stopped.ts';
import { throws } from './rows/throws.ts';
import { tlsFewFiles } from './rows/tls-few-files.ts';
import { tlsStrangers } from './rows/tls-strangers.ts';
import { tooManyClients } from './rows/too-many-clients.ts';
import { surroundings } from './rows/surroundings.ts';
import { unreadLog } from './rows/unread-log.ts';
import { uneven } from './rows/uneven.ts';
import { watchers } from './rows/watchers.ts';
import { whoBlocks } from './rows/who-blocks.ts';
import { usedAgain } from './rows/used-again.ts';

export const ROWS: readonly Row[] = [
  noWait,
  neverReturns,
  throws,
  deepStacks,
  threadDies,
  fatal,
  threadsKilled,
  mixedUp,
  usedAgain,
  identity,
  slowSenders,
  neverReads,
  outOfFds,
  tooManyClients,
  connectAndReset,
  deadPeers,
  halfClose,
  halvesThatWent,
  halvesOfOthers,
  memoryBack,
  maxMemory,
  largeReply,
  lastReply,
  stopped,
  badLengths,
  proxyHeaders,
  tlsStrangers,
  tlsFewFiles,
  sigterm,
  reloads,
  restarts,
  takeOvers,
  uneven,
  hostileBytes,
  unreadLog,
  surroundings,
  whoBlocks,
  blockedCode,
  kicks,
  watchers,
  idleAfter,
];
