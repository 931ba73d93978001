import { useLayoutEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { short } from '../math/text';
import { colour, theme } from '../state/theme';

export interface Series { values: (number | null)[]; colour: string; fill?: boolean; name: string; stepped?: boolean; width?: number; dashed?: boolean }

export interface Line { at: number; colour: string; text?: string; dashed?: boolean }

interface Props {
  label: string;
  x: number[];
  series: Series[];
  /** Upright lines, with a word each. */
  lines?: Line[];
  xName?: string;
  yName?: string;
  height?: number;
  range?: [number, number];
  /** Marks on the lower edge. */
  marks?: { at: number; colour: string }[];
  bare?: boolean;
  /** Whether the upright axis begins at 0. */
  zero?: boolean;
}

/** Curves over one axis, by uPlot. */
export function Chart({ label, x, series, lines = [], xName = '', yName = '', height = 200, range, marks = [], bare = false, zero = true }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const extras = useRef({ lines, marks });
  extras.current = { lines, marks };
  const latestRange = useRef(range);
  latestRange.current = range;
  const data = () => [x, ...series.map(each => each.values)] as uPlot.AlignedData;

  useLayoutEffect(() => {
    const element = place.current!;
    const axis = (name: string, side: number, size: number): uPlot.Axis => ({
      side, size, show: !bare, stroke: colour('muted'), grid: { stroke: colour('grid'), width: 1 }, ticks: { show: false }, border: { show: false },
      font: '12px system-ui, sans-serif', labelFont: '12px system-ui, sans-serif', label: name || undefined, labelSize: name ? 18 : 0, labelGap: 0, gap: 4,
      values: (_, values) => values.map(short),
    });
    const options: uPlot.Options = {
      width: Math.max(80, element.clientWidth), height, legend: { show: false }, cursor: { show: false, drag: { x: false, y: false } }, padding: bare ? [2, 0, 2, 0] : [14, 10, 0, 4],
      scales: { x: { time: false, range: (_, low, high) => latestRange.current ?? [low, high] }, y: { range: (_, low, high) => zero ? [Math.min(0, low), high > 0 ? high * 1.08 : 1] : [low - (high - low || 1) * 0.1, high + (high - low || 1) * 0.1] } },
      axes: [axis(xName, 2, 24), axis(yName, 3, 46)],
      series: [{}, ...series.map((each): uPlot.Series => ({
        label: each.name, stroke: colour(each.colour), width: each.width ?? 1.8, points: { show: false }, dash: each.dashed ? [5, 4] : undefined,
        fill: each.fill ? withAlpha(colour(each.colour), 0.22) : undefined,
        paths: each.stepped ? uPlot.paths.stepped!({ align: 1 }) : undefined,
      }))],
      hooks: { draw: [chart => drawExtras(chart, extras.current.lines, extras.current.marks)] },
    };
    plot.current = new uPlot(options, data(), element);
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: Math.max(80, element.clientWidth), height }));
    observer.observe(element);
    return () => { observer.disconnect(); plot.current?.destroy(); plot.current = null; };
  }, [theme.value, xName, yName, height, bare, series.map(each => each.colour + each.name + each.stepped).join()]);

  useLayoutEffect(() => { plot.current?.setData(data()); }, [x, ...series.map(each => each.values), JSON.stringify(range)]);
  useLayoutEffect(() => { plot.current?.redraw(false, false); }, [JSON.stringify(lines), JSON.stringify(marks)]);
  return <div class="chart" role="img" aria-label={label} style={{ height: `${height}px` }} ref={place} />;
}

function drawExtras(chart: uPlot, lines: Line[], marks: { at: number; colour: string }[]) {
  const { ctx: context, bbox } = chart;
  const scale = window.devicePixelRatio || 1;
  context.save();
  context.font = `${12 * scale}px system-ui, sans-serif`;
  for (const { at, colour: name, text, dashed } of lines) {
    const x = chart.valToPos(at, 'x', true);
    if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) continue;
    context.strokeStyle = context.fillStyle = colour(name);
    context.lineWidth = 2 * scale;
    context.setLineDash(dashed ? [5 * scale, 4 * scale] : []);
    context.beginPath();
    context.moveTo(x, bbox.top);
    context.lineTo(x, bbox.top + bbox.height);
    context.stroke();
    if (!text) continue;
    const right = x + context.measureText(text).width + 8 * scale < bbox.left + bbox.width;
    context.textAlign = right ? 'left' : 'right';
    context.textBaseline = 'bottom';
    context.fillText(text, x + (right ? 0 : 0), bbox.top - 1 * scale);
  }
  context.setLineDash([]);
  for (const { at, colour: name } of marks) {
    const x = Math.max(bbox.left, Math.min(bbox.left + bbox.width, chart.valToPos(at, 'x', true)));
    context.fillStyle = colour(name);
    context.beginPath();
    context.moveTo(x, bbox.top + bbox.height - 9 * scale);
    context.lineTo(x - 4 * scale, bbox.top + bbox.height);
    context.lineTo(x + 4 * scale, bbox.top + bbox.height);
    context.fill();
  }
  context.restore();
}

function withAlpha(name: string, alpha: number): string {
  const [red, green, blue] = [1, 3, 5].map(at => parseInt(name.slice(at, at + 2), 16));
  return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
}
