/** Those who watch a Heddle server all day: an open page, `heddle top`, and a scrape of its metrics. */
import { request } from 'node:http';
import { controlFolder } from '../../src/cli/control/folder.ts';
import { thisBuild } from './builds.ts';
import { Child } from './child.ts';
import { pinned } from './cores.ts';

/** How often the metrics are asked for. */
const SCRAPE_MS = 5_000;

export class Watchers {
  readonly #children: readonly Child[];
  readonly #stream: AbortController;
  readonly #socket: string;

  private constructor(children: readonly Child[], stream: AbortController, socket: string) {
    this.#children = children;
    this.#stream = stream;
    this.#socket = socket;
  }

  /** Begins to watch the server with process number `pid`, on the CPU `cpu`; resolves once all of them show it. */
  static async start(pid: number, cpu: number): Promise<Watchers> {
    const command = (name: string): string[] => pinned(cpu, [process.execPath, thisBuild().main, name, String(pid)]);
    const [page, top] = [new Child(command('page')), new Child(command('top'))];
    const stream = new AbortController();
    const watchers = new Watchers([page, top], stream, `${controlFolder(process.env)}/${pid}.sock`);
    try {
      const [[, origin = '', token = '']] = await Promise.all([page.line(/(http:\S+)\/#(\S+)/), top.line(/\S/)]);
      await watchers.#open(`${origin}/v1/stream`, token);
      return watchers;
    } catch (error) {
      await watchers.stop();
      throw error;
    }
  }

  /** Has the server watched while `inside` runs; rejects also if a scrape fails. */
  static async during<T>(pid: number, cpu: number, inside: () => Promise<T>): Promise<T> {
    const watchers = await Watchers.start(pid, cpu);
    const scrapes: Promise<void>[] = [];
    const timer = setInterval(() => {
      const scrape = watchers.scrape();
      scrape.catch(() => {}); // It is told at the end.
      scrapes.push(scrape);
    }, SCRAPE_MS);
    try {
      const result = await inside();
      await Promise.all(scrapes);
      return result;
    } finally {
      clearInterval(timer);
      await Promise.allSettled(scrapes);
      await watchers.stop();
    }
  }

  /** Asks for the metrics, as Prometheus does; rejects if there are none. */
  async scrape(): Promise<void> {
    const text = await new Promise<string>((resolve, reject) => {
      const asking = request(
        { socketPath: this.#socket, path: '/metrics', headers: { host: 'localhost' } },
        (answer) => {
          let all = '';
          answer.setEncoding('utf8').on('data', (part: string) => (all += part));
          answer.once('end', () => resolve(all)).once('error', reject);
        },
      );
      asking.once('error', reject).end();
    });
    if (!text.includes('heddle_response_seconds')) throw new Error(`${this.#socket} gave no metrics`);
  }

  async stop(): Promise<void> {
    this.#stream.abort();
    await Promise.all(this.#children.map((child) => child.stop()));
  }

  /** What a browser does that shows the page: it reads the stream as long as the page is open. */
  async #open(url: string, token: string): Promise<void> {
    const { signal } = this.#stream;
    const { body, status } = await fetch(url, { headers: { authorization: `Bearer ${token}` }, signal });
    if (body === null || status !== 200) throw new Error(`${url} answered with ${status}`);
    const reader = body.getReader();
    await reader.read();
    const readOn = async (): Promise<void> => {
      while (!(await reader.read()).done);
    };
    readOn().catch(() => {}); // It ends when it is aborted.
  }
}
