import { useEffect, useState } from 'preact/hooks';
import * as api from '../api/client';
import type { ColumnDrift, Drift, ModelDetails } from '../api/types';
import { Chart } from '../draw/chart';
import { count, exact, percent, short } from '../math/text';
import { Fault, Figure, Panel } from '../parts/controls';
import type { Example } from '../parts/snippets';
import { Snippets } from '../parts/snippets';
import { useLatest } from '../state/latest';
import { hrefOf } from '../state/route';
import { Versions } from './versions';

const EverySeconds = 3, FewestRows = 50, Alarm = 6, Shown = 12;

/** Whether the rows of today are still those that the model was calibrated with, and which of two versions knows them better. */
export function Today({ model }: { model: ModelDetails }) {
  const turn = useTurn();
  return (
    <div class="columns wide-left">
      <div class="stack">{model.calibration ? <Drifting model={model} turn={turn} /> : <Panel title="Are the rows still what they were?" hint="A model without a calibration cannot tell: it knows no ordinary rows to compare with.">
        <p><code>flow calibrate --model FOLDER --input ROWS</code> adds some, of rows that training never saw.</p>
      </Panel>}</div>
      <div class="stack"><Versions model={model} turn={turn} /></div>
    </div>
  );
}

/** Counts up every few seconds while somebody looks. */
function useTurn() {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) setTurn(before => before + 1); }, EverySeconds * 1000);
    return () => clearInterval(timer);
  }, []);
  return turn;
}

function Drifting({ model, turn }: { model: ModelDetails; turn: number }) {
  const { value, problem } = useLatest([model.name, model.version, turn], signal => api.drift(model.name, signal));
  if (!value && !problem) return <div class="awaited" aria-busy="true" />;
  const judged = value !== null && value.rows >= FewestRows;
  return (
    <>
      <Panel title={titleOf(value)} hint="The last rows that your programs had scored, beside the rows that the model was calibrated with. p-values and thresholds are right only as long as both are of the same world. What this page asks by itself does not count; a file that you drop does.">
        {problem && <Fault problem={problem} />}
        {value && !judged && <p>{value.seen === 0 ? 'Nothing was scored yet since this version was loaded. ' : `Only ${count(value.rows)} of the ${FewestRows} rows that it takes were scored yet. `}
          Rows come by <code>/logprob</code> and <code>/score</code>, up to 16 of each request{model.event_shape!.length === 1 ? <>, or by a file in <a href={hrefOf({ model: model.name, view: 'rows' })}>Odd rows</a></> : ''}.</p>}
        {judged && <Columns value={value} />}
      </Panel>
      {judged && <Panel title="How odd the rows are" hint="The share of rows in each tenth of p-values. As long as the rows are ordinary, each tenth holds a tenth of them: the bars are about as high as the dashed line. A high first bar: many rows are odd. A high last one: they are all too ordinary, as of a sensor that is stuck.">
        <Chart label={`The shares of ${value.rows} rows by p-value, in ten steps: ${value.p_values.map(percent).join(', ')}`} height={190} x={Tenths} range={[0, 1]} xName="p-value"
          series={[{ name: 'share of rows', values: [...value.p_values, 0], colour: 'data', fill: true, stepped: true }, { name: 'healthy', values: Tenths.map(() => 0.1), colour: 'muted', width: 1.2, dashed: true }]} />
        <dl class="figures">
          <Figure name="Evidence of change">{evidenceOf(value)}</Figure>
          {value.typicality && <Figure name="All together">{`${exact(value.typicality.mean_log_prob)} nats on average, ${exact(value.typicality.expected)} expected: ${value.typicality.p_value <= 0.01 ? `rare, ${percent(value.typicality.p_value)} of ordinary batches are as far off` : 'nothing unusual'}`}</Figure>}
          {value.out_of_range !== undefined && <Figure name="Out of range">{`${percent(value.out_of_range)} of rows have a value that no training row reached`}</Figure>}
        </dl>
        <details class="expects"><summary>What these figures mean</summary>
          <ul class="plain">
            <li><strong>Evidence of change</strong> is a bet against “nothing has changed”, laid anew with each row (a conformal test martingale). While nothing changes it wins a million-fold less than once in a million rows, and that is the alarm. It looks at how odd rows are, sees small changes that last, and stays where it was while no rows come.</li>
            <li><strong>All together</strong> asks whether the rows as a batch are as likely as ordinary batches of that size (typicality). It also finds rows that are each all too likely.</li>
          </ul>
        </details>
      </Panel>}
      <Snippets example={getExample(`models/${model.name}/drift`)} />
    </>
  );
}

const Tenths = Array.from({ length: 11 }, (_, i) => i / 10);

function titleOf(value: Drift | null) {
  if (!value) return 'Are the rows still what they were?';
  if (value.rows < FewestRows) return 'Too few rows to tell yet';
  const columns = value.changed.filter(each => each !== 'martingale' && each !== 'log_prob');
  if (columns.length > 0) return columns.length > 3 ? `${columns.length} columns have changed` : `${columns.join(', ')} ${columns.length === 1 ? 'has' : 'have'} changed`;
  return value.changed.length > 0 ? 'Rows are odd in another way than they were' : 'The rows are still what they were';
}

function evidenceOf({ martingale: { log10_evidence: evidence } }: Drift) {
  if (evidence < 1) return 'none';
  return `${evidence >= 15 ? 'more than 10^15' : count(10 ** evidence)} to 1${evidence >= Alarm ? ': an alarm' : '; the alarm is at 1 000 000 to 1'}`;
}

/** Each column with its shift, beside what is hardly ever reached by chance. */
function Columns({ value }: { value: Drift }) {
  const [all, setAll] = useState(false);
  const sorted = [...value.columns].sort((a, b) => b.psi / b.limit - a.psi / a.limit), shown = all ? sorted : sorted.slice(0, Shown);
  return (
    <>
      <p class="hint">{`Judged by the last ${count(value.rows)} rows, of ${count(value.seen)} since version ${value.version} was loaded. `}<strong>Shift</strong> says how differently a column's values are spread now (population stability index): 0 is alike. Beyond its limit it is no chance: that happens in one of 10 000 windows.</p>
      <div class="scroll" tabIndex={0}>
        <table class="shifts">
          <thead><tr><th scope="col">column</th><th scope="col">shift, and its limit</th><th class="right" scope="col">shift</th><th class="right" scope="col">beyond known values</th></tr></thead>
          <tbody>{[...shown, { ...value.score, name: 'log density' }].map(each => <tr key={each.name}>
            <th scope="row">{each.name}</th><td><Shift column={each} /></td><td class={each.psi > each.limit ? 'right odd-text' : 'right'}>{short(Number(each.psi.toFixed(3)))}</td><td class="right">{percent(each.outside)}</td>
          </tr>)}</tbody>
        </table>
      </div>
      {sorted.length > Shown && <button type="button" onClick={() => setAll(!all)}>{all ? 'Show fewer' : `Show all ${sorted.length} columns`}</button>}
    </>
  );
}

/** The limit stands in the middle. */
const Shift = ({ column: { psi, limit } }: { column: ColumnDrift }) =>
  <span class={psi > limit ? 'shift beyond' : 'shift'} role="img" aria-label={`${short(psi)} of ${short(limit)}`}><i style={{ width: `${Math.min(100, psi / limit * 50)}%` }} /></span>;

/** A GET as a call of one's own. */
export const getExample = (path: string): Example => ({
  path, get: true,
  python: `import json, urllib.request\nprint(json.load(urllib.request.urlopen(${api.key.value ? `urllib.request.Request("${api.base}${path}", headers={"Authorization": "Bearer " + os.environ["FLOW_KEY"]})` : `"${api.base}${path}"`})))`,
  csharp: `using var http = new HttpClient();\n${api.key.value ? 'http.DefaultRequestHeaders.Authorization = new("Bearer", Environment.GetEnvironmentVariable("FLOW_KEY"));\n' : ''}Console.WriteLine(await http.GetStringAsync("${api.base}${path}"));`,
});
