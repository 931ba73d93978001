import { interpolateViridis } from 'd3-scale-chromatic';

/** Viridis: even steps look even, also to those who do not tell red from green, and in grey. */
const Steps = 256;

export const viridis: Uint8ClampedArray = (() => {
  const table = new Uint8ClampedArray(Steps * 3);
  for (let i = 0; i < Steps; i++) table.set(rgbOf(interpolateViridis(i / (Steps - 1))), i * 3);
  return table;
})();

/** The channels of a colour of CSS, #rrggbb or rgb(...). */
export function rgbOf(text: string): number[] {
  if (text.startsWith('#')) return [1, 3, 5].map(at => parseInt(text.slice(at, at + 2), 16));
  return text.match(/\d+/g)!.slice(0, 3).map(Number);
}

/** A share in 0..1 as a colour of CSS. */
export function viridisAt(share: number): string {
  const i = Math.max(0, Math.min(Steps - 1, Math.round(share * (Steps - 1)))) * 3;
  return `rgb(${viridis[i]} ${viridis[i + 1]} ${viridis[i + 2]})`;
}

/** The legend's stripe, as a gradient of CSS. */
export const viridisGradient = `linear-gradient(to right, ${Array.from({ length: 9 }, (_, i) => viridisAt(i / 8)).join(', ')})`;
