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

/** Leaves alone what is the same: nothing is laid out anew, and nothing is read out again. */
export function setText(id: string, text: string): void {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

/** A bar that is `share` full, with its figures in words beside it. */
export function bar(share: number, isAlarm: boolean): HTMLElement {
  const fill = make('span', isAlarm ? 'fill alarm' : 'fill');
  fill.style.width = `${Math.min(100, share * 100)}%`;
  const frame = make('span', 'bar', fill);
  frame.setAttribute('aria-hidden', 'true');
  return frame;
}

/** Fills the body of a table; `empty` stands there if there are no rows. */
export function fillTable(
  id: string,
  rows: readonly (readonly Child[])[],
  empty: string,
  alarms?: readonly boolean[],
): void {
  const body = byId(id);
  const lines = rows.map((cells, index) =>
    make('tr', alarms?.[index] === true ? 'alarm' : '', ...cells.map((cell) => make('td', '', cell))),
  );
  if (lines.length === 0) {
    const cell = make('td', 'empty', empty);
    cell.setAttribute('colspan', '9');
    lines.push(make('tr', '', cell));
  }
  body.replaceChildren(...lines);
}
