/** Has the title and the icon of the tab say how the server is. */

export type Mood = 'well' | 'blocked' | 'waiting' | 'silent';

const MARKS: Readonly<Record<Mood, readonly [text: string, colour: string]>> = {
  well: ['○', '#3c9a5f'],
  blocked: ['◐ blocked', '#e0922f'],
  waiting: ['● clients wait', '#e0522f'],
  silent: ['◌ no word', '#888'],
};

let shown: string | undefined;

export function showMood(mood: Mood, service: string): void {
  const [text, colour] = MARKS[mood];
  const title = `${text} · ${service}`;
  if (document.title !== title) document.title = title;
  if (shown === mood) return;
  shown = mood;
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16' fill='none' stroke='#888' stroke-width='1.4'><path d='M3 1v14M8 1v14M13 1v14'/><circle cx='8' cy='6' r='3.4' fill='${colour}' stroke='${colour}'/></svg>`;
  document.querySelector('link[rel=icon]')?.setAttribute('href', `data:image/svg+xml,${encodeURIComponent(svg)}`);
}
