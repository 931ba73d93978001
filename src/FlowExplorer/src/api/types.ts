/** What the service says of its models: the parts of its JSON that the page reads. */

export type State = 'loading' | 'ready' | 'failed' | 'unloaded' | 'on_demand';

export interface VersionSummary { version: number; state: State; reason?: string }

export interface ModelSummary extends VersionSummary { name: string; event_shape?: number[]; versions: VersionSummary[] }

export interface ContextSpec { size?: number; classes?: number; features?: string[]; shape?: number[]; block_means?: number }

export interface Pixels { low: number; high: number; step: number }

export interface SoundSpec { rate: number; fft_size: number; hop: number; mels: number }

export interface Layer { kind: string; [field: string]: unknown }

export interface Training {
  seed?: number; rows?: number; validation_rows?: number; test_rows?: number; epochs?: number; seconds?: number;
  mean_test_log_likelihood?: number; gaussian_mean_test_log_likelihood?: number;
}

export interface Spec { bijections: Layer[]; base: Layer; training?: Training; pixels?: Pixels; sound?: SoundSpec }

export interface SelfTest { rows?: number; round_trip_error?: number; log_prob_difference?: number; log_det_difference?: number }

export interface Provenance { source: string; version?: string; command?: string; data?: string; created?: string }

export interface ModelDetails extends ModelSummary {
  engine?: string; engine_reason?: string; device?: string; width?: number; features?: string[]; context?: ContextSpec;
  provenance?: Provenance; calibration?: { rows: number; p_min: number; reference_rows: number }; self_test?: SelfTest;
  weight_bytes?: number; spec?: Spec;
  /** The version that is compared with another one. */
  shadow?: number;
}

export interface Calibration {
  rows: number; p_min: number; usual: string; scores: Record<string, number[]>; mean: number[]; deviation: number[];
}

export interface Reason { feature: string; value: number; nats: number | null; expected: number }

export interface Scored {
  log_prob: (number | null)[]; p_value?: (number | null)[]; attribution?: (Reason[] | null)[]; score?: string; z?: number[][];
}

export interface ColumnDrift { name: string; psi: number; limit: number; outside: number }

export interface Drift {
  version: number; rows: number; seen: number; changed: string[]; columns: ColumnDrift[]; score: ColumnDrift; out_of_range?: number; p_values: number[];
  martingale: { log10_capital: number; log10_evidence: number };
  typicality?: { rows: number; mean_log_prob: number; expected: number; p_value: number };
}

export interface Shadow {
  shadow: number; other: number; serving: number; rows: number; dropped: number; difference: number; low: number; high: number; lasting: boolean; verdict: 'better' | 'worse' | 'undecided' | 'incomparable';
}

/** Rows as they travel: row-major, each of the same number of values. */
export interface Rows { values: Float32Array; width: number }

export const countOf = (rows: Rows) => rows.values.length / rows.width;

export const rowOf = (rows: Rows, index: number) => rows.values.subarray(index * rows.width, (index + 1) * rows.width);

/** The names of the columns: the model's own, or x_0, x_1, ... as the service calls them. */
export const featuresOf = (model: ModelDetails) => model.features ?? Array.from({ length: model.width ?? 0 }, (_, i) => `x_${i}`);

/** What a model is conditioned on, in words. */
export const conditionOf = ({ classes, size, shape, features }: ContextSpec) =>
  classes ? `one of ${classes} classes` : shape?.length === 2 ? `${shape[0]} mels a frame` : shape ? `a picture of ${shape[2]} x ${shape[1]}` : `${size} numbers${features ? `: ${features.join(', ')}` : ''}`;

/** The numbers that a request sends: the values of a picture, or 1 for a class. */
export const sizeOf = ({ size, shape }: ContextSpec) => shape ? shape.reduce((product, each) => product * each, 1) : size ?? 1;

export const contextNamesOf = (context: ContextSpec) => context.features ?? Array.from({ length: sizeOf(context) }, (_, i) => `context_${i}`);

export type Kind = 'plane' | 'table' | 'image' | 'sound';

export function kindOf(shape: number[] | undefined): Kind {
  if (shape?.length === 2) return 'sound';
  if (shape?.length === 3) return shape[0] === 1 || shape[0] === 3 ? 'image' : 'table';
  return shape?.[0] === 2 ? 'plane' : 'table';
}
