/** The service's own meters, as Prometheus' text has them. https://prometheus.io/docs/instrumenting/exposition_formats/ */

export interface Reading {
  at: number;
  /** Sums over all operations of a model. */
  models: Map<string, ModelReading>;
}

export interface ModelReading {
  rows: number; requests: number; batches: number; batchRows: number; queue: number;
  /** Requests by the upper bound of their duration in seconds, cumulative. */
  durations: Map<number, number>;
}

const Line = /^(flowservice_\w+)\{([^}]*)\} (\S+)/;

export function parse(text: string, at: number): Reading {
  const models = new Map<string, ModelReading>();
  for (const line of text.split('\n')) {
    const match = Line.exec(line);
    if (!match) continue;
    const [, name, labels, value] = match;
    const model = label(labels, 'model');
    if (!model) continue;
    let reading = models.get(model);
    if (!reading) models.set(model, reading = { rows: 0, requests: 0, batches: 0, batchRows: 0, queue: 0, durations: new Map() });
    const number = Number(value);
    if (name === 'flowservice_rows_total') reading.rows += number;
    else if (name === 'flowservice_request_duration_seconds_count') reading.requests += number;
    else if (name === 'flowservice_batch_rows_sum') reading.batchRows += number;
    else if (name === 'flowservice_batch_rows_count') reading.batches += number;
    else if (name === 'flowservice_queue_depth') reading.queue += number;
    else if (name === 'flowservice_request_duration_seconds_bucket') {
      const bound = label(labels, 'le') === '+Inf' ? Infinity : Number(label(labels, 'le'));
      reading.durations.set(bound, (reading.durations.get(bound) ?? 0) + number);
    }
  }
  return { at, models };
}

const label = (labels: string, name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1];

export interface Rates { rowsPerSecond: number; requestsPerSecond: number; batchRows: number; queue: number; median: number; slow: number }

/** What happened between two readings; times in seconds, NaN where there was nothing. */
export function between(before: ModelReading | undefined, now: ModelReading, seconds: number): Rates {
  const since = (of: (reading: ModelReading) => number) => Math.max(0, of(now) - (before ? of(before) : 0));
  return {
    rowsPerSecond: since(each => each.rows) / seconds,
    requestsPerSecond: since(each => each.requests) / seconds,
    batchRows: since(each => each.batchRows) / since(each => each.batches),
    queue: now.queue,
    median: quantile(before, now, 0.5),
    slow: quantile(before, now, 0.95),
  };
}

/** Within its bucket a duration is placed evenly, as Prometheus' histogram_quantile does. */
function quantile(before: ModelReading | undefined, now: ModelReading, share: number): number {
  const bounds = [...now.durations.keys()].sort((a, b) => a - b);
  const counts = bounds.map(bound => now.durations.get(bound)! - (before?.durations.get(bound) ?? 0));
  const all = counts[counts.length - 1];
  if (!(all > 0)) return NaN;
  const i = counts.findIndex(count => count >= share * all);
  const low = i > 0 ? bounds[i - 1] : 0, below = i > 0 ? counts[i - 1] : 0;
  return bounds[i] === Infinity ? low : low + (bounds[i] - low) * (share * all - below) / (counts[i] - below);
}
