/** Prepares canvases: as many pixels as the screen has, and the colours of the theme. */

export interface Picture {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  readonly colours: Colours;
}

const NAMES = ['text', 'dim', 'line', 'lane', 'stay', 'move', 'alarm', 'alarm-back', 'panel'] as const;
type Colours = Readonly<Record<(typeof NAMES)[number], string>>;

// As colours, not as text: so `light-dark()` gives the one of the theme, which a canvas takes.
for (const name of NAMES)
  CSS.registerProperty({ name: `--${name}`, syntax: '<color>', inherits: true, initialValue: 'gray' });

/** How pictures are drawn now. */
export interface Style {
  readonly colours: Colours;
  readonly font: string;
}

export function styleNow(): Style {
  const style = getComputedStyle(document.documentElement);
  const colours = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`)])) as Colours;
  return { colours, font: `600 ${Number.parseFloat(style.fontSize) * 0.75}px ${style.fontFamily}` };
}

/** As they were laid out last. To ask an element has the page laid out at once, and again when more of it has changed. */
const sizes = new WeakMap<Element, DOMRectReadOnly>();

/** Tells when CSS has given one of `canvases` a size, or another one. */
export function watchSizes(canvases: readonly HTMLElement[], changed: () => void): void {
  const observer = new ResizeObserver((entries) => {
    for (const { contentRect, target } of entries) sizes.set(target, contentRect);
    changed();
  });
  for (const canvas of canvases) observer.observe(canvas);
}

/** Clears `canvas`, whose size is watched; `undefined`: it is not seen. */
export function pictureOn(canvas: HTMLElement, { colours, font }: Style): Picture | undefined {
  const { height = 0, width = 0 } = sizes.get(canvas) ?? {};
  if (!(canvas instanceof HTMLCanvasElement) || width === 0 || height === 0) return undefined;
  const [context, ratio] = [canvas.getContext('2d'), window.devicePixelRatio || 1];
  if (context === null) return undefined;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = font;
  return { context, width, height, colours };
}
