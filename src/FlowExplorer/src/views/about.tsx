import * as api from '../api/client';
import type { ModelDetails } from '../api/types';
import { conditionOf } from '../api/types';
import { bytes, count, exact, short } from '../math/text';
import { Fault, Figure, Panel } from '../parts/controls';
import { Markdown } from '../parts/markdown';
import { Snippets } from '../parts/snippets';
import { useLatest } from '../state/latest';
import { Scores } from './scores';

/** A model in full: its figures, its card, the scores that its p-values rest on. */
export function About({ model }: { model: ModelDetails }) {
  const { value: card, problem } = useLatest([model.name, model.version], () => api.card(model.name));
  const { self_test: test, calibration, provenance, spec } = model;
  return (
    <div class="columns wide-left">
      <Panel title="Model card">
        {problem ? problem.status === 404 ? <p class="hint">There is no README.md beside the weights.</p> : <Fault problem={problem} /> : card ? <Markdown text={card.replace(/^# .*\n/, '')} /> : <div class="awaited" aria-busy="true" />}
      </Panel>
      <div class="stack">
        <Panel title="Figures">
          <dl class="figures">
            <Figure name="Event">{shape(model)}</Figure>
            {model.context && <Figure name="Condition">{conditionOf(model.context)}</Figure>}
            <Figure name="Layers">{spec?.bijections.length}</Figure>
            <Figure name="Base">{spec?.base.kind.replaceAll('_', ' ')}</Figure>
            <Figure name="Engine">{model.engine} on {model.device}{model.engine_reason ? ` (${model.engine_reason})` : ''}</Figure>
            <Figure name="Weights">{bytes(model.weight_bytes ?? 0)}</Figure>
            {test?.round_trip_error !== undefined && <Figure name="There and back">{exact(test.round_trip_error)} off, relative, in float32</Figure>}
            {test?.log_prob_difference !== undefined && <Figure name="float32 against float64">{short(test.log_prob_difference)} nats</Figure>}
            {spec?.training?.mean_test_log_likelihood !== undefined && <Figure name="Held-out rows">{exact(spec.training.mean_test_log_likelihood)} nats on average; a Gaussian has {exact(spec.training.gaussian_mean_test_log_likelihood)}</Figure>}
            {spec?.training?.rows !== undefined && <Figure name="Trained on">{count(spec.training.rows)} rows, {spec.training.epochs} epochs</Figure>}
            <Figure name="Calibration">{calibration ? `${count(calibration.rows)} rows; the least p-value is ${exact(calibration.p_min)}` : 'none: no p-values'}</Figure>
            {provenance && <Figure name="Came from">{provenance.source}{provenance.created ? `, ${provenance.created.slice(0, 10)}` : ''}</Figure>}
          </dl>
          <Snippets example={{
            path: `models/${model.name}`, get: true,
            python: 'for model in client.models():\n    print(model["name"], model["version"], model["state"])',
            csharp: `using var http = new HttpClient();\nConsole.WriteLine(await http.GetStringAsync("${api.base}models/${model.name}"));`,
          }} />
        </Panel>
        {calibration && <Panel title="Scores of ordinary rows" hint="Rows that training never saw. A new row is odd where its score lies left of nearly all of them."><Scores model={model} alpha={0.01} /></Panel>}
        <Panel title="Layers" hint="In the order in which data pass them on their way to the latents.">
          <ol class="layers">{spec?.bijections.map((layer, i) => <li key={i}>{layer.kind.replaceAll('_', ' ')}</li>)}<li class="base">{spec?.base.kind.replaceAll('_', ' ')}</li></ol>
        </Panel>
      </div>
    </div>
  );
}

export function shape(model: { event_shape?: number[] }) {
  const sizes = model.event_shape ?? [];
  if (sizes.length === 3) return `${sizes[2]} × ${sizes[1]} picture, ${sizes[0] === 1 ? 'grey' : `${sizes[0]} channels`}`;
  if (sizes.length === 2) return `sound, ${sizes[1]} frames${sizes[0] === 1 ? '' : ` of ${sizes[0]} samples`} at a time`;
  return sizes[0] === 1 ? 'one number' : `${sizes[0]} numbers`;
}
