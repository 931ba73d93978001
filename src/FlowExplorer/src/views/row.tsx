import { useMemo } from 'preact/hooks';
import * as api from '../api/client';
import type { ModelDetails, Reason, Rows } from '../api/types';
import { countOf, featuresOf } from '../api/types';
import { Chart } from '../draw/chart';
import type { Points } from '../draw/plane';
import { Plane } from '../draw/plane';
import { boxOf, column, rangeOf } from '../math/stats';
import { exact } from '../math/text';
import { Fault, Panel, Select, Slider } from '../parts/controls';
import { list, Snippets } from '../parts/snippets';
import { useLatest } from '../state/latest';
import { note, numberAt, route } from '../state/route';
import { gain, verdict } from './rows';

const Steps = 201, Finer = 160;

interface Props { model: ModelDetails; label: string; row: number[]; context?: number[]; reasons: Reason[] | null; p: number | null; alpha: number; logProb: number }

/** One row: why it is odd, and what its density would be if one of its values were another. */
export function RowDetail({ model, label, row, context, reasons, p, alpha, logProb }: Props) {
  const features = featuresOf(model);
  const feature = features.includes(route.value.query.feature) ? route.value.query.feature : reasons?.[0]?.feature ?? features[0];
  const at = features.indexOf(feature);
  const value = numberAt('value', row[at]);
  const known = useLatest<Rows>([model.name, model.version], async signal =>
    (model.calibration ? await api.reference(model.name) : null) ?? api.sample(model.name, { count: 800, seed: 3, context }, signal));
  const range = useMemo<[number, number] | null>(() => {
    if (!known.value) return null;
    const [low, high] = rangeOf([column(known.value, at)], 0.15);
    const pad = (high - low) * 0.08;
    return [Math.min(low, row[at] - pad), Math.max(high, row[at] + pad)];
  }, [known.value, at]);
  const along = useLatest([range, feature], async signal => {
    if (!range) return null!;
    const between = (low: number, high: number, count: number) => Array.from({ length: count }, (_, i) => low + (high - low) * i / (count - 1));
    const logsAt = async (x: number[]) => {
      const rows: Rows = { values: Float32Array.from(x.flatMap(each => row.map((own, i) => i === at ? each : own))), width: row.length };
      return [...await api.logProb(model.name, rows, context, signal)].map((log, i): [number, number] => [x[i], log]);
    };
    const coarse = await logsAt(between(range[0], range[1], Steps));
    // Where nearly all of the mass lies, once more and more finely: a feature that others determine has a narrow peak.
    const top = Math.max(...coarse.map(each => each[1]));
    const first = coarse.findIndex(each => each[1] > top - 12), last = coarse.findLastIndex(each => each[1] > top - 12);
    const fine = await logsAt(between(coarse[Math.max(0, first - 1)][0], coarse[Math.min(Steps - 1, last + 1)][0], Finer));
    const all = [...coarse, ...fine].sort((a, b) => a[0] - b[0]);
    const most = Math.max(...all.map(each => each[1]));
    const density = all.map(each => Math.exp(each[1] - most));
    const area = all.reduce((sum, each, i) => i === 0 ? 0 : sum + (density[i] + density[i - 1]) / 2 * (each[0] - all[i - 1][0]), 0);
    return { x: all.map(each => each[0]), density: density.map(each => each / area) };
  });
  const isCalibrated = model.calibration !== undefined;
  const changed = useLatest([feature, value], signal => api.score(model.name, [row.map((own, i) => i === at ? value : own)], { isCalibrated, context }, signal));
  const reason = reasons?.find(each => each.feature === feature);
  const partner = useMemo(() => known.value && row.length > 1 ? partnerOf(known.value, at, features.length) : -1, [known.value, at]);
  const now = changed.value;
  return (
    <div class="stack">
      <Panel title={`Why ${label} ${p !== null && p > alpha ? 'is not odd' : 'is odd'}`} class="explain">
        {p !== null && <p class={p <= alpha ? 'verdict odd' : 'verdict'}>{verdict(p, alpha, model.calibration?.rows ?? 0)}</p>}
        {p === null && <p class="verdict">{`Its log density is ${exact(logProb)} nats.`}</p>}
        {reasons && <ol class="reasons">
          {reasons.filter(each => each.nats === null || each.nats > 0.5).map(each => (
            <li key={each.feature}>
              <button type="button" aria-pressed={each.feature === feature} onClick={() => note({ feature: each.feature, value: undefined })}>
                <strong>{each.feature}</strong> is <b class="odd-text">{exact(each.value)}</b>; the rest of the row suggests about <b>{exact(each.expected)}</b>.
                <small>{`That value ${gain(each)}.`}</small>
              </button>
            </li>
          ))}
          {reasons.every(each => each.nats !== null && each.nats <= 0.5) && <li class="muted">No single value stands out.</li>}
        </ol>}
        {known.value && partner >= 0 && <>
          <Companion model={model} known={known.value} row={row} at={at} partner={partner} value={value} expected={reason?.expected} />
          <p class="hint">{`${feature} beside ${features[partner]}, the feature that goes with it most closely. Dots are ${isCalibrated ? 'ordinary rows' : 'samples'}; the ring is this row.`}</p>
        </>}
      </Panel>
      <Panel title={`What ${feature} could be`} hint="The density along this one feature, everything else in the row as it is. Move the slider, and the row is asked again."
        tools={<Select label="Feature" value={feature} options={features.map(each => [each, each])} onChange={next => note({ feature: next, value: undefined })} />}>
        {along.problem && <Fault problem={along.problem} />}
        {along.value && range ? <Chart label={`The density of ${feature} given the rest of the row; the row has ${exact(row[at])}`} height={230} x={along.value.x} range={range} xName={feature}
          series={[{ name: 'density', values: along.value.density, colour: 'accent', fill: true, width: 2.2 }]}
          lines={[{ at: row[at], colour: 'odd', text: `this row: ${exact(row[at])}` }, ...value !== row[at] ? [{ at: value, colour: 'ink', dashed: true, text: exact(value) }] : []]} /> : <div class="chart space-230" />}
        {range && <Slider label={feature} value={value} min={range[0]} max={range[1]} step="any" onInput={next => note({ value: String(Number(next.toPrecision(5))), feature })} />}
        <p class="now" aria-live="polite">
          {now && <>log density <b>{exact(now.log_prob[0])}</b> nats{now.p_value && <>, p-value <b>{exact(now.p_value[0])}</b>: <b class={(now.p_value[0] ?? 1) <= alpha ? 'odd-text' : 'fine-text'}>{(now.p_value[0] ?? 1) <= alpha ? 'odd' : 'ordinary'}</b></>}</>}
        </p>
        <div class="row">
          {reason && <button type="button" onClick={() => note({ value: String(reason.expected), feature })}>{`Put in ${exact(reason.expected)}`}</button>}
          {value !== row[at] && <button type="button" onClick={() => note({ value: undefined })}>As it was</button>}
        </div>
        <Snippets example={{
          path: 'logprob', json: { model: model.name, x: [row.map((own, i) => Number((i === at ? value : own).toPrecision(7)))], ...context ? { context } : {}, ...isCalibrated ? { include: ['p_value', 'attribution'] } : {} },
          python: `row = numpy.array([${list(row)}])\nrow[0, ${at}] = ${exact(value).replace('−', '-')}    # ${feature}\nclient.${isCalibrated ? 'score' : 'log_prob'}(row, model="${model.name}"${context ? `, context="${context.join(',')}"` : ''})`,
          csharp: `var client = $CLIENT { Model = "${model.name}" };\nfloat[] row = [${row.map(each => `${Number(each.toPrecision(7))}f`).join(', ')}];\nrow[${at}] = ${Number(value.toPrecision(5))}f; // ${feature}\nScoreAnswer answer = await client.ScoreAsync([row], new() { Explain = 3${context ? `, Context = [[${context.map(each => `${each}f`).join(', ')}]]` : ''} });`,
        }} />
      </Panel>
    </div>
  );
}

function Companion({ model, known, row, at, partner, value, expected }: { model: ModelDetails; known: Rows; row: number[]; at: number; partner: number; value: number; expected?: number }) {
  const features = featuresOf(model);
  const own: Rows = useMemo(() => ({ values: Float32Array.from([row[partner], row[at]]), width: 2 }), [row, at, partner]);
  const pair: Rows = useMemo(() => {
    const values = new Float32Array(countOf(known) * 2);
    for (let i = 0; i < countOf(known); i++) { values[i * 2] = known.values[i * known.width + partner]; values[i * 2 + 1] = known.values[i * known.width + at]; }
    return { values, width: 2 };
  }, [known, at, partner]);
  const points: Points[] = [{ rows: pair, colour: 'data', radius: 2.2, alpha: 0.55 }];
  if (expected !== undefined) points.push({ rows: { values: Float32Array.from([row[partner], expected]), width: 2 }, colour: 'fine', radius: 5, alpha: 1 });
  return <Plane box={boxOf([pair, own, own], 0, 1, 0.1)} names={[features[partner], features[at]]} points={points} mark={[row[partner], value]} markColour="odd" state={[expected]}
    label={`${features[at]} and ${features[partner]} of ordinary rows; this row has ${exact(row[at])} and ${exact(row[partner])}`} />;
}

/** The feature that is most correlated with one. */
function partnerOf(rows: Rows, at: number, width: number): number {
  const own = column(rows, at);
  let best = -1, most = -1;
  for (let i = 0; i < width; i++) {
    if (i === at) continue;
    const size = Math.abs(correlation(own, column(rows, i)));
    if (size > most) { most = size; best = i; }
  }
  return best;
}

function correlation(a: Float32Array, b: Float32Array): number {
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [ma, mb] = [mean(a), mean(b)];
  let ab = 0, aa = 0, bb = 0;
  for (let i = 0; i < a.length; i++) { ab += (a[i] - ma) * (b[i] - mb); aa += (a[i] - ma) ** 2; bb += (b[i] - mb) ** 2; }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}
