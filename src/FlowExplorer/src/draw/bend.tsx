import type { Rows } from '../api/types';
import { countOf } from '../api/types';
import { boxOf } from '../math/stats';
import { colour } from '../state/theme';
import type { Box } from './axes';
import { dot, drawAxes, frameOf, scaleOf, within } from './axes';
import type { Surface } from './canvas';
import { Canvas } from './canvas';
import { viridis, viridisAt } from './colour';

/** Latents on their way to data: lines of a grid first, then loose points, then at the end the mark where there is one. */
export interface Bending {
  /** Before the first layer and behind each: x, y, log density. */
  places: Rows[];
  boxes: Box[];
  lines: number;
  perLine: number;
  marks: number;
}

const PerLine = 201, LinesEachWay = 11;

/** A grid over the latents, those of some samples, and a mark. */
export function latentsOf(points: Rows, span: number, mark?: ArrayLike<number>): { latents: Rows; lines: number; perLine: number; marks: number } {
  const lines = LinesEachWay * 2;
  const values = new Float32Array(lines * PerLine * 2 + points.values.length + (mark ? 2 : 0));
  let at = 0;
  for (let line = 0; line < lines; line++) {
    const place = -span + 2 * span * (line % LinesEachWay) / (LinesEachWay - 1);
    for (let i = 0; i < PerLine; i++) {
      const along = -span + 2 * span * i / (PerLine - 1);
      values[at++] = line < LinesEachWay ? along : place;
      values[at++] = line < LinesEachWay ? place : along;
    }
  }
  values.set(points.values, at);
  if (mark) values.set(Array.from(mark), at + points.values.length);
  return { latents: { values, width: 2 }, lines, perLine: PerLine, marks: mark ? 1 : 0 };
}

/** The points alone say how much of the plane is shown at each depth: the grid runs out of it. */
export function bendingOf(places: Rows[], lines: number, perLine: number, marks: number): Bending {
  const from = lines * perLine;
  const boxes = places.map(place => boxOf([{ values: place.values.subarray(from * place.width, (countOf(place) - marks) * place.width), width: place.width }], 0, 1, 0.1));
  return { places, boxes, lines, perLine, marks };
}

interface Props {
  bending: Bending; depth: number; names: [string, string]; label: string; grid: boolean; dots: boolean; bare?: boolean; onPick?: (x: number, y: number) => void;
}

/** The grid and the points at a depth; between two layers they are on the straight way from one to the other. */
export function Bend({ bending, depth, names, label, grid, dots, bare = false }: Props) {
  const draw = (surface: Surface) => {
    const { context, width, height } = surface;
    const { places, boxes, lines, perLine, marks } = bending;
    const i = Math.max(0, Math.min(places.length - 1, Math.floor(depth))), j = Math.min(places.length - 1, i + 1), t = Math.max(0, Math.min(1, depth - i));
    const from = places[i], to = places[j], all = countOf(from), loose = lines * perLine;
    const mix = (a: number, b: number) => a + (b - a) * t;
    const box: Box = { x0: mix(boxes[i].x0, boxes[j].x0), x1: mix(boxes[i].x1, boxes[j].x1), y0: mix(boxes[i].y0, boxes[j].y0), y1: mix(boxes[i].y1, boxes[j].y1) };
    const frame = bare ? { left: 0, top: 0, width, height } : frameOf(width, height);
    const scale = scaleOf(box, frame);
    const x = (k: number) => scale.x(mix(from.values[k * 3], to.values[k * 3]));
    const y = (k: number) => scale.y(mix(from.values[k * 3 + 1], to.values[k * 3 + 1]));
    within(surface, frame, () => {
      context.fillStyle = viridisAt(0);
      context.fillRect(frame.left, frame.top, frame.width, frame.height);
      if (grid) {
        context.lineWidth = 1;
        for (let line = 0; line < lines; line++) {
          context.strokeStyle = line < lines / 2 ? 'rgba(255,255,255,0.42)' : 'rgba(150,215,255,0.42)';
          context.beginPath();
          for (let k = line * perLine; k < (line + 1) * perLine; k++)
            if (k === line * perLine) context.moveTo(x(k), y(k)); else context.lineTo(x(k), y(k));
          context.stroke();
        }
      }
      if (dots) {
        const density = Float32Array.from({ length: all - marks - loose }, (_, k) => mix(from.values[(loose + k) * 3 + 2], to.values[(loose + k) * 3 + 2]));
        const sorted = Float32Array.from(density).sort();
        const high = sorted[Math.floor(sorted.length * 0.97)] ?? 0;
        const radius = bare ? 2 : 2.2;
        for (let k = 0; k < density.length; k++) {
          const step = Math.max(72, Math.min(255, Math.round(72 + 183 * Math.exp((density[k] - high) * 0.8)))) * 3;
          context.fillStyle = `rgb(${viridis[step]},${viridis[step + 1]},${viridis[step + 2]})`;
          context.beginPath();
          dot(context, x(loose + k), y(loose + k), radius);
          context.fill();
        }
      }
      for (let k = all - marks; k < all; k++)
        for (const [thick, name] of [[5, '#000000'], [2.5, '#ffffff']] as const) {
          context.strokeStyle = name;
          context.lineWidth = thick;
          context.beginPath();
          dot(context, x(k), y(k), 7);
          context.stroke();
        }
    });
    if (!bare) drawAxes(surface, scale, depth <= 0 ? ['z 0', 'z 1'] : depth >= places.length - 1 ? names : ['', '']);
    else { context.strokeStyle = colour('line'); }
  };
  return <Canvas class={bare ? 'plane bare' : 'plane'} label={label} draw={draw} state={[bending, depth, grid, dots, names.join()]} />;
}
