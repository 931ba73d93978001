import { contours } from 'd3-contour';
import { useMemo } from 'preact/hooks';
import type { Rows } from '../api/types';
import { countOf } from '../api/types';
import { massLevels } from '../math/stats';
import { colour } from '../state/theme';
import type { Box, Scale } from './axes';
import { dataAt, dot, dots, drawAxes, frameOf, scaleOf, within } from './axes';
import type { Surface } from './canvas';
import { Canvas } from './canvas';
import { viridis } from './colour';

export interface Field { logDensity: Float32Array; n: number; box: Box }

export interface Points { rows: Rows; x?: number; y?: number; colour: string; radius: number; alpha: number }

/** How a density becomes a colour: as it is, or its logarithm down to so many nats below the highest. */
export type Shade = 'density' | 'log';

const LogDepth = 12;

interface Props {
  box: Box;
  names: [string, string];
  label: string;
  field?: Field | null;
  shade?: Shade;
  /** Shares of the mass around which lines are drawn. */
  levels?: number[];
  points?: Points[];
  mark?: [number, number] | null;
  /** The ring's colour; black and white show on any density. */
  markColour?: string;
  over?: (surface: Surface, scale: Scale) => void;
  state?: unknown[];
  onPick?: (x: number, y: number) => void;
}

/** A plane: a density as a heat map, rows upon it, and a mark. */
export function Plane({ box, names, label, field, shade = 'density', levels = [], points = [], mark, markColour, over, state = [], onPick }: Props) {
  const picture = useMemo(() => field && heat(field, shade), [field, shade]);
  const lines = useMemo(() => field && levels.length > 0 ? linesOf(field, levels) : [], [field, levels.join()]);
  const draw = (surface: Surface) => {
    const { context } = surface;
    const frame = frameOf(surface.width, surface.height);
    const scale = scaleOf(box, frame);
    within(surface, frame, () => {
      if (picture && field) {
        context.imageSmoothingEnabled = true;
        context.imageSmoothingQuality = 'high';
        const left = scale.x(field.box.x0), top = scale.y(field.box.y1);
        context.drawImage(picture, left, top, scale.x(field.box.x1) - left, scale.y(field.box.y0) - top);
      }
      for (const { rows, x = 0, y = 1, colour: name, radius, alpha } of points) {
        dots(context, frame, name.startsWith('#') ? name : colour(name), radius, alpha, countOf(rows), i => scale.x(rows.values[i * rows.width + x]), i => scale.y(rows.values[i * rows.width + y]));
      }
      context.lineWidth = 1.4;
      context.strokeStyle = field ? '#ffffff' : colour('ink');
      for (const line of lines) {
        context.globalAlpha = 0.85;
        context.beginPath();
        for (const polygon of line)
          for (const ring of polygon)
            ring.forEach(([x, y], i) => { if (i === 0) context.moveTo(scale.x(x), scale.y(y)); else context.lineTo(scale.x(x), scale.y(y)); });
        context.stroke();
        context.globalAlpha = 1;
      }
      over?.(surface, scale);
      if (mark) {
        const [x, y] = [scale.x(mark[0]), scale.y(mark[1])];
        for (const [width, name] of markColour ? [[3, colour(markColour)]] as const : [[5, '#000000'], [2.5, '#ffffff']] as const) {
          context.strokeStyle = name;
          context.lineWidth = width;
          context.beginPath();
          dot(context, x, y, 7);
          context.stroke();
        }
      }
    });
    drawAxes(surface, scale, names);
  };
  const press = (x: number, y: number, size: { width: number; height: number }) => {
    const at = dataAt(box, frameOf(size.width, size.height), x, y);
    if (at) onPick!(...at);
  };
  return <Canvas class="plane" label={label} draw={draw} onPress={onPick && press}
    state={[picture, lines, points.map(each => each.rows), points.map(each => each.colour + each.radius + each.alpha).join(), mark?.join(), JSON.stringify(box), names.join(), ...state].flat()} />;
}

function heat({ logDensity, n }: Field, shade: Shade): HTMLCanvasElement {
  const picture = document.createElement('canvas');
  picture.width = picture.height = n;
  const context = picture.getContext('2d')!;
  const image = context.createImageData(n, n);
  let most = -Infinity;
  for (const value of logDensity) if (value > most) most = value;
  for (let j = 0; j < n; j++)
    for (let k = 0; k < n; k++) {
      const below = logDensity[(n - 1 - j) * n + k] - most; // the picture's first line is the uppermost
      const share = shade === 'log' ? 1 + below / LogDepth : Math.exp(below);
      const step = Number.isFinite(share) ? Math.max(0, Math.min(255, Math.round(share * 255))) : 0;
      const at = (j * n + k) * 4;
      image.data[at] = viridis[step * 3];
      image.data[at + 1] = viridis[step * 3 + 1];
      image.data[at + 2] = viridis[step * 3 + 2];
      image.data[at + 3] = 255;
    }
  context.putImageData(image, 0, 0);
  return picture;
}

/** The lines around shares of the mass, in the data's units. */
function linesOf({ logDensity, n, box }: Field, shares: number[]) {
  let most = -Infinity;
  for (const value of logDensity) if (value > most) most = value;
  const density = logDensity.map(value => Math.exp(value - most));
  const of = contours().size([n, n]);
  return massLevels(density, shares).map(level => of.contour(density as unknown as number[], level).coordinates.map(polygon => polygon.map(ring => ring.map(([x, y]) =>
    [box.x0 + x / n * (box.x1 - box.x0), box.y0 + y / n * (box.y1 - box.y0)] as [number, number]))));
}
