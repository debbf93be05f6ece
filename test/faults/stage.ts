/** Starts the servers of one row, checks that they are idle after its fault, and ends them. */
import type { ServeOptions } from '../../src/options/serve-options.ts';
import { FaultServer } from './fault-server.ts';

export class Stage implements AsyncDisposable {
  readonly #servers: FaultServer[] = [];

  /** Starts a server of the service beside this file; for the rest as `FaultServer.start`. */
  async start(options: ServeOptions = {}, before = ''): Promise<FaultServer> {
    const server = await FaultServer.start(options, before);
    this.#servers.push(server);
    return server;
  }

  /** The CPU that the servers take when there is nothing to do, as a share of one; 0 if the fault has ended them all. */
  async idle(): Promise<number> {
    const running = this.#servers.filter((server) => server.isRunning);
    return Math.max(0, ...(await Promise.all(running.map((server) => server.idle()))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
  }
}
