import type { Rows } from '../api/types';
import { countOf } from '../api/types';
import { column, histogram, rangeOf } from '../math/stats';
import { colour } from '../state/theme';
import { clipped, dot, dots, Font } from './axes';
import type { Surface } from './canvas';
import { Canvas } from './canvas';

export interface Set { rows: Rows; colour: string; name: string }

const Gap = 6, Edge = 20, Bins = 28;

/** Each pair of some columns as a cloud of points, and each column as a histogram: one set of rows upon another. */
export function Pairs({ sets, columns, names, label, mark }: { sets: Set[]; columns: number[]; names: string[]; label: string; mark?: number[] }) {
  const n = columns.length;
  const draw = ({ context, width, height }: Surface) => {
    const size = Math.min((width - Edge - (n - 1) * Gap) / n, (height - Edge - (n - 1) * Gap) / n);
    const ranges = columns.map(at => rangeOf(sets.map(set => column(set.rows, at)), 0.06, 0.001));
    context.font = Font;
    for (let line = 0; line < n; line++)
      for (let place = 0; place <= line; place++) {
        const left = Edge + place * (size + Gap), top = line * (size + Gap);
        context.fillStyle = colour('sunken');
        context.fillRect(left, top, size, size);
        context.save();
        context.beginPath();
        context.rect(left, top, size, size);
        context.clip();
        const [x0, x1] = ranges[place], [y0, y1] = ranges[line];
        if (line === place) {
          const bars = sets.map(set => histogram(column(set.rows, columns[line]), x0, x1, Bins).density);
          const most = Math.max(...bars.flat());
          bars.forEach((density, i) => {
            context.strokeStyle = colour(sets[i].colour);
            context.lineWidth = 1.8;
            context.beginPath();
            density.forEach((value, bin) => {
              const y = top + size - value / most * size * 0.88;
              if (bin === 0) context.moveTo(left, y);
              context.lineTo(left + bin / Bins * size, y);
              context.lineTo(left + (bin + 1) / Bins * size, y);
            });
            context.stroke();
          });
        } else {
          for (const set of sets) {
            const { values, width: step } = set.rows;
            dots(context, { left, top, width: size, height: size }, colour(set.colour), n > 3 ? 1.2 : 1.6, 0.55, countOf(set.rows), i => left + (values[i * step + columns[place]] - x0) / (x1 - x0) * size, i => top + size - (values[i * step + columns[line]] - y0) / (y1 - y0) * size);
          }
          if (mark) {
            context.strokeStyle = colour('odd');
            context.lineWidth = 2;
            context.beginPath();
            dot(context, left + (mark[columns[place]] - x0) / (x1 - x0) * size, top + size - (mark[columns[line]] - y0) / (y1 - y0) * size, 5);
            context.stroke();
          }
        }
        context.restore();
        context.fillStyle = colour('muted');
        context.textAlign = 'center';
        if (line === n - 1) {
          context.textBaseline = 'top';
          context.fillText(clipped(context, names[columns[place]], size), left + size / 2, top + size + 5);
        }
        if (place === 0) {
          context.save();
          context.translate(7, top + size / 2);
          context.rotate(-Math.PI / 2);
          context.textBaseline = 'middle';
          context.fillText(clipped(context, names[columns[line]], size), 0, 0);
          context.restore();
        }
      }
  };
  return <Canvas class="pairs" label={label} draw={draw} state={[...sets.map(set => set.rows), columns.join(), mark?.join()]} />;
}
