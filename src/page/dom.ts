/** Makes and changes elements. Text is only ever text: what clients, files and servers are called cannot become markup. */

type Child = Node | string;

export function make(tag: string, className: string, ...children: readonly Child[]): HTMLElement {
  const element = document.createElement(tag);
  if (className !== '') element.className = className;
  element.append(...children);
  return element;
}

export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`There is no #${id} on the page`);
  return element;
}

/** Whether somebody sees what is in a `details`. */
export function isOpen(id: string): boolean {
  return (byId(id) as HTMLDetailsElement).open;
}

/** Leaves alone what is the same: nothing is laid out anew, and nothing is read out again. */
export function setText(id: string, text: string): void {
  setTextOf(byId(id), text);
}

/** The text stays the same node: to put another one in its place has more laid out. */
export function setTextOf(element: Element, text: string): void {
  const { firstChild } = element;
  if (firstChild instanceof Text && firstChild === element.lastChild) {
    if (firstChild.data !== text) firstChild.data = text;
  } else if (element.textContent !== text) element.textContent = text;
}

/** A bar that is `share` full, with its figures in words beside it. */
export function bar(share: number, isAlarm: boolean): HTMLElement {
  const fill = make('span', 'fill');
  fillBar(fill, share, isAlarm);
  const frame = make('span', 'bar', fill);
  frame.setAttribute('aria-hidden', 'true');
  return frame;
}

/** Shifts what is as wide as the bar: another width would be laid out. */
export function fillBar(fill: HTMLElement, share: number, isAlarm: boolean): void {
  fill.classList.toggle('alarm', isAlarm);
  fill.style.transform = `translateX(${Math.min(0, 100 * share - 100)}%)`;
}

/** A row of a table. Its key stays the row's while others come and go: so what has the focus keeps it. */
export interface Row {
  readonly key: string;
  readonly cells: readonly Child[];
  readonly isAlarm?: boolean;
}

/** Fills the body of a table; `empty` stands there if there are no rows. What is the same is left alone. */
export function fillTable(id: string, rows: readonly Row[], empty: string): void {
  const body = byId(id);
  syncChildren(body, rows.length === 0 ? [''] : rows.map(({ key }) => key), 'tr');
  if (rows.length === 0) {
    const cell = make('td', 'empty', empty);
    cell.setAttribute('colspan', '9');
    syncCells(body.firstElementChild as Element, [cell]);
  }
  for (const [index, { cells, isAlarm = false }] of rows.entries()) {
    const line = body.children[index] as HTMLElement;
    if ((line.className === 'alarm') !== isAlarm) line.className = isAlarm ? 'alarm' : '';
    const made = cells.map((cell) => make('td', '', cell));
    syncCells(line, made);
  }
}

/** Has one child for each key, in order; a child whose key stays is the same element. */
export function syncChildren(parent: Element, keys: readonly string[], tag: string): void {
  const before = new Map([...parent.children].map((child) => [(child as HTMLElement).dataset['key'], child]));
  for (const [index, key] of keys.entries()) {
    const known = before.get(key);
    before.delete(key);
    const child = known ?? make(tag, '');
    (child as HTMLElement).dataset['key'] = key;
    const there = parent.children[index] ?? null;
    if (there !== child) parent.insertBefore(child, there);
  }
  for (const child of before.values()) child.remove();
  while (parent.children.length > keys.length) parent.lastElementChild?.remove();
}

/** Puts `wanted` in the place of the children that are different. */
export function syncCells(parent: Element, wanted: readonly Element[]): void {
  for (const [index, cell] of wanted.entries()) {
    const there = parent.children[index];
    if (there === undefined) parent.append(cell);
    else if (!there.isEqualNode(cell)) there.replaceWith(cell);
  }
  while (parent.children.length > wanted.length) parent.lastElementChild?.remove();
}
