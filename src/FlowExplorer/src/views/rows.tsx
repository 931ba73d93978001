import { useMemo, useState } from 'preact/hooks';
import { Problem } from '../api/client';
import * as api from '../api/client';
import type { ModelDetails, Reason } from '../api/types';
import { contextNamesOf, featuresOf, rowOf } from '../api/types';
import { quantile } from '../math/stats';
import { count, exact, percent, rarity, short, times } from '../math/text';
import { Drop, Fault, Panel, Slider } from '../parts/controls';
import { Snippets } from '../parts/snippets';
import { useLatest } from '../state/latest';
import { note, numberAt, route } from '../state/route';
import type { Table } from '../state/table';
import { example, ExampleName, ranked, scored, scoreFile, table } from '../state/table';
import { Scores } from './scores';
import { RowDetail } from './row';

const First = 10, Reasons = 3;

/** The share of ordinary rows that may be called odd, where nobody has chosen: a hundredth; more where so few rows are known that none could be. */
const usualAlpha = (model: ModelDetails) => [0.01, 0.05, 0.1, 0.2].find(alpha => alpha >= (model.calibration?.p_min ?? 0)) ?? 0.5;

/** A file of rows: which are odd, and why. */
export function Rows({ model }: { model: ModelDetails }) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const own = table.value?.model === model.name ? table.value : null;
  const take = async (name: string, source: () => Promise<Blob | string>) => {
    setBusy(true);
    setProblem(null);
    try {
      table.value = await scoreFile(model, name, await source());
      note({ example: name === ExampleName ? '1' : undefined, row: undefined, feature: undefined });
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem(-1, 'page', (error as Error).message));
    }
    setBusy(false);
  };
  // A link to the example brings the example back.
  const wanted = route.value.query.example === '1' && !own;
  useLatest([wanted], () => {
    if (wanted && !busy) {
      const row = route.value.query.row, feature = route.value.query.feature;
      void take(ExampleName, () => example(model)).then(() => note({ row, feature }));
    }
    return null;
  });
  if (wanted && !problem) return <div class="awaited" aria-busy="true" />;
  return (
    <div class="stack">
      <Panel title={own ? `${own.name}: ${count(own.logProb.length)} rows` : 'Find the odd rows of a file'}
        hint={own ? undefined : <>Drop a CSV file whose first line names the columns. Each row is compared with what the model knows, and the oddest come first, each with the reason. The file goes to this service alone.</>}>
        {problem && <Fault problem={problem} />}
        <Drop label={own ? 'Another file' : 'Choose a CSV file'} accept=".csv,text/csv,.txt,.tsv" onFile={file => void take(file.name, async () => file)}>
          <span class="muted">or drop it here</span>
          <button type="button" disabled={busy} onClick={() => void take(ExampleName, () => example(model))}>Try it with an example</button>
          {own && <Download model={model} own={own} />}
        </Drop>
        {!own && <ol class="steps">
          <li><strong>Give it rows.</strong> The same columns that the model learned, in the same units.</li>
          <li><strong>See which are odd.</strong> Each row has a p-value: how rare it would be among ordinary ones.</li>
          <li><strong>See why.</strong> The value that does not go with the rest, and the one that would.</li>
        </ol>}
        {!own && <Columns model={model} />}
        {!model.calibration && <p class="hint">This model has no calibration: rows are ordered by their density, and nothing says which are odd. <code>flow calibrate</code> adds p-values, decisions and reasons.</p>}
        {own && own.name === ExampleName && <p class="hint">{`Ordinary rows, and one in which a single value was exchanged for one from another row. The value by itself is nothing special: it only does not go with the rest.`}</p>}
      </Panel>
      {own && <Found key={own.name + own.logProb.length} model={model} own={own} />}
    </div>
  );
}

function Columns({ model }: { model: ModelDetails }) {
  const names = [...featuresOf(model), ...model.context ? contextNamesOf(model.context) : []];
  return <details class="expects"><summary>{`The ${names.length} columns that it expects, in any order`}</summary><p>{names.map(name => <code key={name}>{name}</code>)}</p><p class="hint">Other columns are passed on as they are.</p></details>;
}

function Download({ model, own }: { model: ModelDetails; own: Table }) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const alpha = numberAt('alpha', usualAlpha(model));
  const save = async () => {
    try {
      const address = URL.createObjectURL(new Blob([await scored(model, own, alpha)], { type: 'text/csv' }));
      const link = document.createElement('a');
      link.href = address;
      link.download = own.name.replace(/(\.\w+)?$/, '.scored.csv');
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 1000);
    } catch (error) {
      setProblem(error as Problem);
    }
  };
  return <><button type="button" onClick={() => void save()}>Download with scores</button>{problem && <Fault problem={problem} />}</>;
}

function Found({ model, own }: { model: ModelDetails; own: Table }) {
  const alpha = numberAt('alpha', usualAlpha(model));
  const [shown, setShown] = useState(First);
  const order = useMemo(() => ranked(own), [own]);
  const isOdd = (row: number) => own.p !== null && own.p[row] <= alpha;
  const odd = order.filter(isOdd).length, unread = own.errors.filter(each => each).length;
  const readable = order.filter(row => !own.errors[row]);
  const listed = order.slice(0, shown);
  const explained = listed.filter(row => !own.errors[row]);
  const { value: reasons, problem } = useLatest([own.name, shown, model.version], signal => !model.calibration || explained.length === 0 ? null : api.score(
    model.name, explained.map(row => rowOf(own.rows, row)), { isCalibrated: true, reasons: Reasons, context: own.context ? explained.map(row => own.context![row]) : undefined }, signal));
  const { value: calibration } = useLatest([model.name, model.version], () => model.calibration ? api.calibration(model.name) : null);
  const asked = numberAt('row', NaN);
  const selected = Number.isFinite(asked) && asked < own.logProb.length && !own.errors[asked] ? asked : readable[0];
  const reasonOf = (row: number) => reasons?.attribution?.[explained.indexOf(row)] ?? null;
  // The histogram is of the score that decides; of another one than the log density the p-value says about where the row lies.
  const scores = calibration?.scores[calibration.usual];
  const marks = !scores || !own.p ? [] : readable.filter(isOdd).map(row => calibration.usual === 'log_prob' ? own.logProb[row] : quantile(scores, own.p![row] - calibration.p_min));
  return (
    <div class="columns found-columns">
      <div class="stack">
        <Panel title={own.p ? odd === 0 ? 'No row is odd' : odd === 1 ? 'One row is odd' : `${count(odd)} rows are odd` : 'The least likely rows'}>
          {own.p && <Slider label="Call a row odd where at most this share of ordinary rows is as strange" value={Math.log10(alpha)} min={-4} max={-0.3} step={0.05} text={percent(alpha)}
            onInput={value => { const next = Number((10 ** value).toPrecision(2)); note({ alpha: next === usualAlpha(model) ? undefined : String(next) }); }}
            hint={`Of ordinary rows about ${percent(alpha)} are called odd too: ${odd} found, about ${Number((alpha * own.logProb.length).toPrecision(2))} expected by chance.`} />}
          {own.p && model.calibration && alpha < model.calibration.p_min && <p class="hint warn">{`With ${count(model.calibration.rows)} calibration rows no p-value is below ${exact(model.calibration.p_min)}: no row can be called odd here.`}</p>}
          {unread > 0 && <p class="hint warn">{`${count(unread)} ${unread === 1 ? 'row' : 'rows'} could not be read.`}</p>}
          {problem && <Fault problem={problem} />}
          <ol class="rows">
            {listed.map(row => (
              <li key={row}>
                <button type="button" class={`found ${isOdd(row) ? 'odd' : ''}`} aria-pressed={row === selected} disabled={Boolean(own.errors[row])} onClick={() => note({ row: String(row), feature: undefined, value: undefined })}>
                  <span class="name">{own.labels[row]}</span>
                  {own.errors[row] ? <span class="badge failed">not read</span> : own.p ? <span class={isOdd(row) ? 'badge odd' : 'badge'}>{isOdd(row) ? 'odd' : 'ordinary'}, p = {short(own.p[row])}</span> : <span class="badge">{exact(own.logProb[row])} nats</span>}
                  <span class="why">{own.errors[row] || because(reasonOf(row), isOdd(row))}</span>
                </button>
              </li>
            ))}
          </ol>
          {order.length > shown && <button type="button" onClick={() => setShown(shown + 20)}>Show more</button>}
        </Panel>
        {model.calibration && <Panel title="Where the line is drawn" hint="How ordinary rows score. Left of the line lie the rows that are called odd."><Scores model={model} alpha={alpha} marks={marks} /></Panel>}
        <Snippets example={{
          path: model.calibration ? 'score' : 'logprob', query: model.calibration ? { model: model.name, alpha, include: 'p_value,q_value,attribution', top: Reasons } : { model: model.name, keep: '*', ignore_extra: 'true', on_error: 'null' },
          file: { name: own.name, type: 'text/csv' }, save: 'scored.csv',
          python: `client.score_file("${own.name}", "scored.csv", alpha=${alpha}, explain=${Reasons}, model="${model.name}")`,
          csharp: `var client = $CLIENT { Model = "${model.name}" };\nawait using Stream rows = File.OpenRead("${own.name}"), scored = File.Create("scored.csv");\nawait client.ScoreAsync(rows, TableFormat.Csv, scored, new() { Alpha = ${alpha}, Explain = ${Reasons}, QValues = true });`,
        }} />
      </div>
      {selected !== undefined && <RowDetail key={`${own.name} ${selected}`} model={model} label={own.labels[selected]} row={Array.from(rowOf(own.rows, selected))} context={own.context?.[selected]}
        reasons={reasonOf(selected)} p={own.p?.[selected] ?? null} alpha={alpha} logProb={own.logProb[selected]} />}
    </div>
  );
}

/** Why a row is odd, in a sentence. */
export function because(reasons: Reason[] | null, isOdd: boolean): string {
  const first = reasons?.[0];
  if (reasons === null) return '';
  if (!first || first.nats === null || first.nats < (isOdd ? 0.5 : 2)) return isOdd ? 'No single value makes it odd: they do not go together.' : '';
  return `${first.feature} is ${exact(first.value)}; the rest of the row suggests about ${exact(first.expected)}`;
}

export const gain = (reason: Reason) => reason.nats === null ? 'beyond measure' : `would make the row ${times(reason.nats)} as likely`;

export const verdict = (p: number, alpha: number, rows: number) => `${p <= alpha ? 'Odd' : 'Ordinary'}: ${rarity(p, rows)}.`;
