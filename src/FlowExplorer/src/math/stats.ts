import type { Rows } from '../api/types';
import { countOf } from '../api/types';
import type { Box } from '../draw/axes';

export function column(rows: Rows, index: number): Float32Array {
  const values = new Float32Array(countOf(rows));
  for (let row = 0; row < values.length; row++) values[row] = rows.values[row * rows.width + index];
  return values;
}

/** The value below which a share of sorted values lies. */
export const quantile = (sorted: ArrayLike<number>, share: number) => sorted[Math.max(0, Math.min(sorted.length - 1, Math.round(share * (sorted.length - 1))))];

/** The range of some columns, without the outermost thousandths, and some room on both sides. */
export function rangeOf(columns: ArrayLike<number>[], room = 0.12, trim = 0.002): [number, number] {
  let low = Infinity, high = -Infinity;
  for (const values of columns) {
    const sorted = Float64Array.from(values).filter(Number.isFinite).sort();
    if (sorted.length === 0) continue;
    low = Math.min(low, quantile(sorted, trim));
    high = Math.max(high, quantile(sorted, 1 - trim));
  }
  if (!(high > low)) return Number.isFinite(low) ? [low - 1, low + 1] : [-3, 3];
  const pad = (high - low) * room;
  return [low - pad, high + pad];
}

export function boxOf(sets: Rows[], x = 0, y = 1, room = 0.12): Box {
  const [x0, x1] = rangeOf(sets.map(rows => column(rows, x)), room);
  const [y0, y1] = rangeOf(sets.map(rows => column(rows, y)), room);
  return { x0, x1, y0, y1 };
}

/** The centres of n x n cells of a box, line by line from below. */
export function gridOf(box: Box, n: number): Rows {
  const values = new Float32Array(n * n * 2);
  for (let j = 0, i = 0; j < n; j++)
    for (let k = 0; k < n; k++) {
      values[i++] = box.x0 + (k + 0.5) / n * (box.x1 - box.x0);
      values[i++] = box.y0 + (j + 0.5) / n * (box.y1 - box.y0);
    }
  return { values, width: 2 };
}

export interface Bins { edges: number[]; density: number[] }

/** A histogram as a density. */
export function histogram(values: ArrayLike<number>, low: number, high: number, bins: number): Bins {
  const counts = new Array<number>(bins).fill(0);
  let inside = 0;
  for (let i = 0; i < values.length; i++) {
    const bin = Math.floor((values[i] - low) / (high - low) * bins);
    if (bin >= 0 && bin < bins) { counts[bin]++; inside++; }
  }
  const size = (high - low) / bins;
  return { edges: Array.from({ length: bins + 1 }, (_, i) => low + i * size), density: counts.map(each => each / Math.max(1, inside) / size) };
}

/** The level above which a share of the mass of a gridded density lies. */
export function massLevels(density: Float32Array, shares: number[]): number[] {
  const sorted = Float32Array.from(density).sort().reverse();
  const all = sorted.reduce((sum, value) => sum + value, 0);
  return shares.map(share => {
    let sum = 0;
    for (const value of sorted) {
      sum += value;
      if (sum >= share * all) return value;
    }
    return 0;
  });
}

/** How many calibration scores are at least as strange, by ascending scores of which the low ones are strange. */
export function pValue(scores: number[], all: number, score: number): number {
  let low = 0, high = scores.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (scores[middle] <= score) low = middle + 1; else high = middle;
  }
  return (1 + low / scores.length * all) / (all + 1);
}

/** A small generator with a seed, for choices of the page's own. */
export function random(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13; state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5; state >>>= 0;
    return state / 2 ** 32;
  };
}
