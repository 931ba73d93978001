import { useMemo } from 'preact/hooks';
import * as api from '../api/client';
import type { ModelDetails, Rows } from '../api/types';
import { featuresOf } from '../api/types';
import { viridisGradient } from '../draw/colour';
import type { Points, Shade } from '../draw/plane';
import { Plane } from '../draw/plane';
import { boxOf, gridOf } from '../math/stats';
import { exact, rarity } from '../math/text';
import { Choice, Fault, Figure, Panel, Slider, Toggle } from '../parts/controls';
import { list, Snippets } from '../parts/snippets';
import { useLatest } from '../state/latest';
import { hrefOf, note, numberAt, numbersAt, route } from '../state/route';
import { PointFields } from './layers';

const Cells = 200, Usual = 1000;

/** Ordinary rows of a calibrated model; of others none. */
export const useReference = (model: ModelDetails) => useLatest<Rows | null>([model.name, model.version], () => model.calibration ? api.reference(model.name) : null);

/** The density of two features, with samples and rows upon it. */
export function Density({ model }: { model: ModelDetails }) {
  const { query } = route.value;
  const names = featuresOf(model) as [string, string];
  const shade: Shade = query.shade === 'log' ? 'log' : 'density';
  const temperature = numberAt('temperature', 1), seed = numberAt('seed', 1), count = numberAt('count', Usual);
  const mark = numbersAt('at');
  const point = mark?.length === 2 ? mark as [number, number] : null;
  const { value: reference, busy } = useReference(model);
  const around = useLatest([model.name, model.version], signal => api.sample(model.name, { count: 4000, seed: 1 }, signal));
  const box = useMemo(() => around.value && !busy ? boxOf(reference ? [around.value, reference] : [around.value], 0, 1, 0.18) : null, [around.value, reference, busy]);
  const field = useLatest(box && [model.name, model.version, box], async signal => {
    const grid = gridOf(box!, Cells);
    return { logDensity: await api.logProb(model.name, grid, undefined, signal), n: Cells, box: box! };
  });
  const samples = useLatest([model.name, model.version, seed, temperature, count], signal => api.sample(model.name, { count, seed, temperature }, signal));
  const shown = { samples: query.samples !== '0', rows: query.rows === '1', lines: query.lines === '1' };
  const points: Points[] = [];
  if (shown.rows && reference) points.push({ rows: reference, colour: '#ffffff', radius: 1.7, alpha: 0.8 });
  if (shown.samples && samples.value) points.push({ rows: samples.value, colour: '#ff9d5c', radius: 1.7, alpha: 0.85 });
  const problem = field.problem ?? samples.problem ?? around.problem;
  return (
    <div class="columns wide-left">
      <Panel title="What the flow knows" hint="How likely each place of the plane is: from dark, where no rows are expected, to yellow, where most are. Click a place to ask about it."
        tools={<Choice label="Colour by" options={[['density', 'Density'], ['log', 'Log density']]} value={shade} onChange={value => note({ shade: value === 'log' ? 'log' : undefined })} />}>
        {problem && <Fault problem={problem} />}
        {box && field.value ? <Plane box={box} names={names} field={field.value} shade={shade} levels={shown.lines ? [0.5, 0.9, 0.99] : []} points={points} mark={point}
          label={`The density of ${model.name} over ${names[0]} and ${names[1]}, with ${shown.samples ? `${count} samples` : 'no samples'} upon it`}
          onPick={(x, y) => note({ at: `${Number(x.toPrecision(5))},${Number(y.toPrecision(5))}` })} /> : <div class="canvas plane space" />}
        <div class="legend"><span>{shade === 'log' ? '12 nats below' : 'unlikely'}</span><i style={{ background: viridisGradient }} /><span>{shade === 'log' ? 'highest log density' : 'likely'}</span></div>
        <div class="row">
          <Toggle label="Samples" on={shown.samples} onChange={on => note({ samples: on ? undefined : '0' })} colour="dot-sample" />
          {model.calibration && (busy || reference) && <Toggle label="Rows that training never saw" on={shown.rows} onChange={on => note({ rows: on ? '1' : undefined })} colour="dot-data" />}
          <Toggle label="Lines around 50, 90 and 99 %" on={shown.lines} onChange={on => note({ lines: on ? '1' : undefined })} />
        </div>
      </Panel>
      <div class="stack">
        <Point model={model} names={names} point={point} />
        <Panel title="Samples" hint="New rows that the flow makes up. Below temperature 1 they keep to what is likeliest, above it they stray.">
          <Slider label="Temperature" value={temperature} min={0.1} max={2} step={0.05} onInput={value => note({ temperature: value === 1 ? undefined : String(value) })} />
          <Slider label="Number" value={count} min={100} max={5000} step={100} onInput={value => note({ count: value === Usual ? undefined : String(value) })} />
          <button type="button" onClick={() => note({ seed: String(seed + 1) })}>Draw others</button>
          <Snippets example={{
            path: 'sample', query: { model: model.name, count, seed, temperature }, accept: 'text/csv',
            python: `samples = client.sample(${count}, seed=${seed}, model="${model.name}", temperature=${temperature})    # a NumPy array [${count}, 2]`,
            csharp: `var client = $CLIENT { Model = "${model.name}" };\nSampleAnswer answer = await client.SampleAsync(${count}, seed: ${seed}, temperature: ${temperature});`,
          }} />
        </Panel>
      </div>
    </div>
  );
}

function Point({ model, names, point }: { model: ModelDetails; names: [string, string]; point: [number, number] | null }) {
  const isCalibrated = model.calibration !== undefined;
  const { value, problem } = useLatest([model.name, model.version, point], signal => point ? api.score(model.name, [point], { isCalibrated, latents: true, reasons: 2 }, signal) : null);
  const p = value?.p_value?.[0], reason = value?.attribution?.[0]?.[0];
  return (
    <Panel title="A place" hint={point ? undefined : 'Click into the picture, or type numbers here.'}>
      <PointFields names={names} point={point} />
      {problem && <Fault problem={problem} />}
      {point && value && <>
        <dl class="figures">
          <Figure name="Log density">{exact(value.log_prob[0])} nats</Figure>
          {isCalibrated && <Figure name="p-value">{exact(p)}</Figure>}
          <Figure name="Latent">{value.z?.[0].map(exact).join(', ')}</Figure>
        </dl>
        {isCalibrated && p !== undefined && p !== null && <p class={p <= 0.01 ? 'verdict odd' : 'verdict'}>{p <= 0.01 ? 'Odd: ' : 'Ordinary: '}{rarity(p, model.calibration!.rows)}.
          {p <= 0.01 && reason && reason.nats !== null && reason.nats > 0 && <> {`${reason.feature} ${exact(reason.value)} does not go with the other value; about ${exact(reason.expected)} would.`}</>}</p>}
        <p><a href={hrefOf({ model: model.name, view: 'layers', query: { at: point.join(',') } })}>Follow it through the layers</a></p>
        <Snippets example={{
          path: 'logprob', json: { model: model.name, x: [point], ...isCalibrated ? { include: ['p_value', 'z'] } : { include: ['z'] } },
          python: isCalibrated ? `client.score(numpy.array([${list(point)}]), model="${model.name}")` : `client.log_prob(numpy.array([${list(point)}]), model="${model.name}")`,
          csharp: `var client = $CLIENT { Model = "${model.name}" };\nScoreAnswer answer = await client.ScoreAsync([${list(point).replaceAll(/([\d.]+)/g, '$1f')}]);`,
        }} />
      </>}
    </Panel>
  );
}
