import { signal } from '@preact/signals';
import * as api from '../api/client';
import type { ModelDetails, Rows } from '../api/types';
import { contextNamesOf, countOf, featuresOf, rowOf, sizeOf } from '../api/types';
import { numberOf, parseCsv } from '../math/csv';
import { column, quantile, random } from '../math/stats';

/** A file, scored: its rows as numbers, and what the service says of them. */
export interface Table {
  model: string;
  name: string;
  source: Blob | string;
  /** A name for each row: that of a first column that is no feature, else its number. */
  labels: string[];
  /** The model's features of each row; NaN where a row could not be read. */
  rows: Rows;
  context: number[][] | null;
  logProb: number[];
  p: number[] | null;
  q: number[] | null;
  errors: string[];
}

/** The file that was dropped last; another view does not lose it. */
export const table = signal<Table | null>(null);

const Added = ['log_prob', 'p_value', 'q_value', 'anomaly', 'severity', 'error', 'n_missing', 'row'];

const queryOf = (model: ModelDetails) => model.calibration
  ? { path: 'score', query: { model: model.name, include: 'p_value,q_value' } }
  : { path: 'logprob', query: { model: model.name, keep: '*', ignore_extra: 'true', on_error: 'null' } };

export async function scoreFile(model: ModelDetails, name: string, source: Blob | string): Promise<Table> {
  const { path, query } = queryOf(model);
  const [header, ...lines] = parseCsv(await api.scoreTable(query, path, source, name !== ExampleName));
  const features = featuresOf(model);
  const own = header.slice(0, Math.max(0, ...['log_prob', 'n_missing'].map(each => header.indexOf(each)).filter(at => at >= 0).slice(0, 1)));
  const placeOf = (names: string[], from: number) => names.map((each, i) => own.includes(each) ? own.indexOf(each) : from + i);
  const places = placeOf(features, 0);
  const contextPlaces = model.context ? placeOf(contextNamesOf(model.context), features.length) : [];
  const labelAt = own.findIndex((each, i) => !places.includes(i) && !contextPlaces.includes(i) && !Added.includes(each));
  const cells = (name: string) => header.indexOf(name) < 0 ? null : lines.map(line => numberOf(line[header.indexOf(name)]));
  return {
    model: model.name, name, source,
    labels: lines.map((line, i) => labelAt >= 0 && line[labelAt] ? `${own[labelAt]} ${line[labelAt]}` : `row ${i + 1}`),
    rows: { values: Float32Array.from(lines.flatMap(line => places.map(at => numberOf(line[at])))), width: features.length },
    context: model.context ? lines.map(line => contextPlaces.map(at => numberOf(line[at]))) : null,
    logProb: cells('log_prob') ?? [],
    p: cells('p_value'),
    q: cells('q_value'),
    errors: lines.map(line => header.includes('error') ? line[header.indexOf('error')] ?? '' : ''),
  };
}

/** Rows by how odd they are; those that could not be read come first. */
export function ranked({ p, logProb, errors }: Table): number[] {
  const key = (row: number) => errors[row] ? -Infinity : p ? p[row] : logProb[row];
  return logProb.map((_, row) => row).sort((a, b) => key(a) - key(b) || logProb[a] - logProb[b]);
}

/** The file with the service's answers behind its columns. */
export async function scored(model: ModelDetails, { source }: Table, alpha: number): Promise<string> {
  const { path, query } = queryOf(model);
  return api.scoreTable(model.calibration ? { ...query, include: 'p_value,q_value,attribution', alpha, top: 3 } : query, path, source, false);
}

/** The file that the page makes itself. */
export const ExampleName = 'example.csv';

const Ordinary = 24, Tried = 5;

/**
 * A file to try the page with: ordinary rows, and one of them with a single value from another row, so chosen that the model finds it
 * odd although the value is nothing out of the way by itself.
 */
export async function example(model: ModelDetails): Promise<string> {
  const context = model.context ? contextNamesOf(model.context) : [];
  const features = featuresOf(model), width = features.length;
  let pool: Rows, contexts: number[][] = [];
  const all = model.calibration ? await api.reference(model.name) : null;
  if (all) {
    pool = { values: Float32Array.from(Array.from({ length: countOf(all) }, (_, i) => Array.from(rowOf(all, i).subarray(0, width))).flat()), width };
    contexts = Array.from({ length: countOf(all) }, (_, i) => Array.from(rowOf(all, i).subarray(width)));
  } else {
    const zero = model.context ? new Array<number>(sizeOf(model.context)).fill(0) : undefined;
    pool = await api.sample(model.name, { count: 200, seed: 11, context: zero });
    contexts = Array.from({ length: 200 }, () => zero ?? []);
  }
  const next = random(7);
  const scores = model.context ? null : await api.logProb(model.name, pool);
  const order = Array.from({ length: countOf(pool) }, (_, i) => i).sort((a, b) => scores ? scores[b] - scores[a] : 0);
  // Ordinary means here: not among the strangest tenth.
  const usual = order.slice(0, Math.max(Ordinary, Math.floor(order.length * 0.9)));
  const chosen = Array.from({ length: Math.min(Ordinary, usual.length) }, () => usual.splice(Math.floor(next() * usual.length), 1)[0]);
  const rows = chosen.map(at => Array.from(rowOf(pool, at)));
  const tries: { row: number; feature: number; value: number }[] = [];
  for (let row = 0; row < Math.min(Tried, rows.length); row++)
    for (let feature = 0; feature < width; feature++) {
      const sorted = column(pool, feature).sort();
      const [low, high] = [quantile(sorted, 0.04), quantile(sorted, 0.96)];
      tries.push({ row, feature, value: Math.abs(rows[row][feature] - low) > Math.abs(rows[row][feature] - high) ? low : high });
    }
  const changed = tries.map(({ row, feature, value }) => rows[row].map((each, i) => i === feature ? value : each));
  const answer = await api.score(model.name, changed, { isCalibrated: false, context: model.context ? tries.map(each => contexts[chosen[each.row]]) : undefined });
  const worst = answer.log_prob.reduce((best: number, value, i) => (value ?? -Infinity) < (answer.log_prob[best] ?? -Infinity) ? i : best, 0);
  rows[tries[worst].row] = changed[worst];
  const lines = rows.map((row, i) => [...row, ...contexts[chosen[i]]]);
  for (let i = lines.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [lines[i], lines[j]] = [lines[j], lines[i]];
  }
  const text = (value: number) => String(Number(value.toPrecision(6)));
  return [['id', ...features, ...context].join(','), ...lines.map((row, i) => [`A${i + 1}`, ...row.map(text)].join(','))].join('\n') + '\n';
}
