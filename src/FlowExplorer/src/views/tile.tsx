import type { ModelDetails } from '../api/types';
import { Canvas } from '../draw/canvas';
import { pictureOf, rangeOfPixels } from '../draw/picture';

interface TileProps {
  model: ModelDetails; row: Float32Array | null; label: string; pressed?: boolean; onChoose?: (asEnd: boolean) => void; large?: boolean;
  /** The picture's shape, where it is not the model's. */
  shape?: number[];
}

/** A row as a picture; one that can be chosen is a button. */
export function Tile({ model, row, label, pressed, onChoose, large, shape = model.event_shape! }: TileProps) {
  const range = rangeOfPixels(model);
  const picture = <Canvas class={large ? 'tile large' : 'tile'} label={label} state={[row]} draw={({ context, width, height }) => {
    if (!row) return;
    context.imageSmoothingEnabled = shape[1] > 48;
    context.drawImage(pictureOf(row, shape, range), 0, 0, width, height);
  }} />;
  return onChoose ? <button type="button" class="tile-button" aria-pressed={pressed ?? false} onClick={event => onChoose(event.shiftKey)}>{picture}</button> : picture;
}
