/** Starts a service thread of the net engine: wiring only. */
import { MessageChannel, workerData } from 'node:worker_threads';
import type { ArrivedClient } from './arrived-client.ts';
import { crash, HeddleError } from '../errors.ts';
import { withoutKernel } from '../sys/without-kernel.ts';
import type { ThreadStart } from '../thread/messages.ts';
import { NetThread } from './thread.ts';
import { type CommonParts, type MadeThread, runThread } from '../thread/run.ts';

const start = workerData as ThreadStart;

async function make(common: CommonParts): Promise<MadeThread> {
  const { row, streams } = common;
  // The header would have to be read from a socket that is the service's.
  if (streams !== undefined && start.settings.proxyProtocol.length > 0) {
    const what = 'The net engine cannot read PROXY headers for a stream service';
    throw new HeddleError('HEDDLE_UNSUPPORTED', `${what}: leave out proxyProtocol, or use the epoll engine`);
  }
  const thread = new NetThread({ ...common, sys: withoutKernel, tls: start.tls });
  const serve: MadeThread['start'] = () => {
    // Its busy time is found by this number.
    row.tid = row.thread;
    const { port1: here, port2: clients } = new MessageChannel();
    here.on('message', (client: ArrivedClient) => thread.receive(client));
    thread.start();
    return { type: 'ready', clients };
  };
  return { thread: thread.streams, start: serve };
}

runThread(start, { load: () => {}, make }).catch(crash);
