import * as api from '../api/client';
import type { ModelDetails } from '../api/types';
import { sizeOf } from '../api/types';
import { column, quantile } from '../math/stats';

/** The middle of the contexts that ordinary rows had; where those are not known, the first class, or 0 for each number. */
export async function usualContext(model: ModelDetails): Promise<number[]> {
  const { classes, shape } = model.context!, size = sizeOf(model.context!);
  if (classes) return [0];
  if (!model.calibration) return new Array<number>(size).fill(0);
  const rows = await api.reference(model.name);
  if (!rows) return new Array<number>(size).fill(0);
  // The middle of pictures is none: that of the first row is one.
  if (shape) return Array.from(rows.values.subarray(model.width!, model.width! + size));
  return Array.from({ length: size }, (_, i) => Number(quantile(column(rows, model.width! + i).sort(), 0.5).toPrecision(4)));
}
