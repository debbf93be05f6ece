/** Asks the server that is measured how long its clients wait, as it sees it: over its control socket, if it is a Heddle server with one. */

import type { Snapshot } from '../../admin/control/snapshot.ts';
import { countsBetween, type Waits, waitsOf } from '../../admin/view/waits.ts';
import { HeddleError } from '../../errors.ts';
import { askJson } from '../control/ask.ts';
import { findServer } from '../control/find-server.ts';

type Reading = Pick<Snapshot, 'bounds' | 'response'>;

export class ServerResponse {
  readonly #socket: string;
  /** Where measured times began and ended, in turn. */
  readonly #readings: Promise<Reading | undefined>[] = [];

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /**
   * `pid`: the server's process. `undefined`: no control socket of it is where the commands look, or it does not answer. The first
   * question takes much longer than the next ones: the server loads what answers it.
   */
  static async of(pid: number, environment: NodeJS.ProcessEnv): Promise<ServerResponse | undefined> {
    try {
      const response = new ServerResponse(await findServer(String(pid), environment));
      return (await response.#read()) === undefined ? undefined : response;
    } catch (error) {
      if (error instanceof HeddleError) return undefined;
      throw error;
    }
  }

  /** The measured time begins, or is over. */
  readonly onEdge = (): void => void this.#readings.push(this.#read());

  /** The waits of all measured times together; `undefined`: the server did not say, or a run was ended early. */
  async waits(): Promise<Waits | undefined> {
    const readings = await Promise.all(this.#readings);
    if (readings.length === 0 || readings.length % 2 === 1) return undefined;
    let counts: number[] = [];
    for (const [index, before] of readings.entries()) {
      const after = readings[index + 1];
      if (index % 2 === 1) continue;
      if (before === undefined || after === undefined) return undefined;
      counts = countsBetween(before.response, after.response).map((count, bucket) => count + (counts[bucket] ?? 0));
    }
    return waitsOf(counts, readings[0]?.bounds ?? []);
  }

  /** A server that has ended, or is another version, says nothing: that is no fault of the run. */
  async #read(): Promise<Reading | undefined> {
    try {
      const { bounds, response } = (await askJson(this.#socket, '/v1/snapshot')) as Snapshot;
      return { bounds, response };
    } catch (error) {
      if (error instanceof HeddleError) return undefined;
      throw error;
    }
  }
}
