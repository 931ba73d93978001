import * as api from '../api/client';
import type { ModelDetails } from '../api/types';
import { column, quantile } from '../math/stats';

/** The middle of the contexts that ordinary rows had; where those are not known, the first class, or 0 for each number. */
export async function usualContext(model: ModelDetails): Promise<number[]> {
  const { classes, size = 1 } = model.context!;
  if (classes) return [0];
  if (!model.calibration) return new Array<number>(size).fill(0);
  const rows = await api.reference(model.name);
  if (!rows) return new Array<number>(size).fill(0);
  return Array.from({ length: size }, (_, i) => Number(quantile(column(rows, model.width! + i).sort(), 0.5).toPrecision(4)));
}
