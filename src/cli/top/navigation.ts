/** Remembers where somebody is in `heddle top`: which table, which row, what is looked for; and keeps rows from jumping about. */

export const SORTS = ['idle', 'age', 'moves', 'kept', 'stalled', 'thread', 'id'] as const;

export type Mode = 'threads' | 'clients' | 'turns' | 'events' | 'left' | 'profile';

/** What is asked in the last line. */
export type Prompt = { readonly find: string } | { readonly kick: number };

/** Rows keep their order for this long after the cursor has moved, in ms. */
const QUIET_MS = 5_000;

export class Navigation {
  mode: Mode = 'threads';
  /** The number of the thread or client in the row with the cursor. */
  cursor: number | undefined;
  /** The client that is shown alone. */
  detail: number | undefined;
  filter: string;
  sort: string;
  prompt: Prompt | undefined;
  hasHelp = false;
  /** The numbers of the rows, as they are shown. */
  #rows: readonly number[] = [];
  #movedAt = -Infinity;

  constructor(filter: string, sort: string) {
    this.filter = filter;
    this.sort = sort;
    if (filter !== '') this.mode = 'clients';
  }

  goTo(mode: Mode): void {
    [this.mode, this.cursor, this.detail, this.hasHelp] = [mode, undefined, undefined, false];
    this.#rows = [];
    this.release();
  }

  /** The thread that the cursor is on, or whose clients are listed. */
  get thread(): number | undefined {
    if (this.mode === 'threads') return this.cursor;
    const [, thread] = /^thread=(\d+)$/.exec(this.filter) ?? [];
    return this.mode === 'clients' && thread !== undefined ? Number(thread) : undefined;
  }

  nextSort(): void {
    const at = SORTS.indexOf(this.sort as (typeof SORTS)[number]);
    this.sort = SORTS[(at + 1) % SORTS.length] ?? 'idle';
    this.release();
  }

  /** Rows may change their order again. */
  release(): void {
    this.#movedAt = -Infinity;
  }

  /** Moves the cursor by `rows` rows; the first time, to the first row. */
  move(rows: number, now: number): void {
    this.#movedAt = now;
    const at = this.cursor === undefined ? -1 : this.#rows.indexOf(this.cursor);
    const next = at < 0 ? 0 : Math.min(this.#rows.length - 1, Math.max(0, at + rows));
    this.cursor = this.#rows[next];
  }

  /** `items` in the order to show: as before while the cursor moves, new ones at the end. */
  arranged<T>(items: readonly T[], numberOf: (item: T) => number, now: number): readonly T[] {
    const isFrozen = now - this.#movedAt < QUIET_MS;
    const before = new Map(this.#rows.map((number, at) => [number, at]));
    const placeOf = (item: T): number => before.get(numberOf(item)) ?? Infinity;
    const arranged = isFrozen ? items.toSorted((one, other) => sign(placeOf(one), placeOf(other))) : items;
    this.#rows = arranged.map(numberOf);
    return arranged;
  }

  /** Those of `items`, as arranged last, that fit into `room` rows with the cursor among them. */
  visible<T>(items: readonly T[], room: number): readonly T[] {
    const at = this.cursor === undefined ? 0 : Math.max(0, this.#rows.indexOf(this.cursor));
    const from = Math.max(0, Math.min(at - Math.floor(room / 2), items.length - room));
    return items.slice(from, from + Math.max(0, room));
  }
}

function sign(one: number, other: number): number {
  return one === other ? 0 : one - other;
}
