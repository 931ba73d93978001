import { useMemo } from 'preact/hooks';
import * as api from '../api/client';
import type { ModelDetails } from '../api/types';
import { Chart } from '../draw/chart';
import { histogram, quantile } from '../math/stats';
import { percent, short } from '../math/text';
import { Fault } from '../parts/controls';
import { useLatest } from '../state/latest';

const MostBins = 60;

const Words: Record<string, string> = {
  log_prob: 'log density, nats', combined: 'combined score: log density and nearness to training rows', kernel: 'nearness to training rows', latent_norm2: 'squared length of the latent',
};

/** The scores of the calibration rows, the threshold at alpha, and marks for other rows. */
export function Scores({ model, alpha, marks = [] }: { model: ModelDetails; alpha: number; marks?: number[] }) {
  const { value: calibration, problem } = useLatest([model.name, model.version], () => api.calibration(model.name));
  const bars = useMemo(() => {
    if (!calibration) return null;
    const scores = calibration.scores[calibration.usual];
    const bins = Math.round(Math.min(MostBins, Math.max(10, 2.5 * Math.sqrt(calibration.rows))));
    const from = Math.min(quantile(scores, 0.001), ...marks.filter(each => Number.isFinite(each) && each > scores[0] - 3 * (scores[scores.length - 1] - scores[0])));
    const low = Math.max(from, quantile(scores, 0.5) - 4 * (quantile(scores, 0.99) - quantile(scores, 0.01))), high = scores[scores.length - 1];
    return histogram(scores, low - (high - low) * 0.03, high + (high - low) * 0.02, bins);
  }, [calibration, marks.join()]);
  if (problem) return <Fault problem={problem} />;
  if (!calibration || !bars) return <div class="chart space-190" />;
  const scores = calibration.scores[calibration.usual];
  const threshold = scores[Math.max(0, Math.floor(alpha * (calibration.rows + 1) / calibration.rows * scores.length) - 1)];
  return (
    <>
      <Chart label={`Histogram of the ${Words[calibration.usual]} of ${calibration.rows} ordinary rows, with the threshold at ${percent(alpha)}`} height={190}
        x={bars.edges} xName={Words[calibration.usual] ?? calibration.usual} series={[{ name: 'ordinary rows', values: [...bars.density, 0], colour: 'data', fill: true, stepped: true }]}
        lines={[{ at: threshold, colour: 'odd', text: `odd below ${short(threshold)}`, dashed: true }]} marks={marks.map(at => ({ at, colour: 'odd' }))} range={[bars.edges[0], bars.edges[bars.edges.length - 1]]} />
    </>
  );
}
