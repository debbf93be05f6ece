/** Starts the servers of one row, checks that they are idle after its fault, and ends them. */
import type { ServeOptions } from '../../src/options/serve-options.ts';
import { FaultServer } from './fault-server.ts';
import type { BareProcess, Idleness } from './idleness.ts';

export class Stage implements AsyncDisposable {
  readonly #bare: BareProcess;
  readonly #servers: FaultServer[] = [];

  constructor(bare: BareProcess) {
    this.#bare = bare;
  }

  /** Starts a server of the service beside this file; for the rest as `FaultServer.start`. */
  async start(options: ServeOptions = {}, before = ''): Promise<FaultServer> {
    const server = await FaultServer.start(options, before);
    this.#servers.push(server);
    return server;
  }

  /** What the server takes that takes most when there is nothing to do; nothing if the fault has ended them all. */
  async idle(): Promise<Idleness> {
    const running = this.#servers.filter((server) => server.isRunning);
    const looks = await Promise.all(running.map(({ pid }) => this.#bare.beside(pid)));
    return looks.reduce((most, look) => (look.share > most.share ? look : most), { share: 0, bare: 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
  }
}
