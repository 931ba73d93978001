import { useLayoutEffect, useRef } from 'preact/hooks';
import type { ModelDetails } from '../api/types';
import { pixelsOf, rangeOfPixels } from '../draw/picture';

interface TileProps {
  model: ModelDetails; row: Float32Array | null; label: string; pressed?: boolean; onChoose?: (asEnd: boolean) => void; large?: boolean;
  /** The picture's shape, where it is not the model's. */
  shape?: number[];
}

// Fewer lines than this are shown as the squares that they are.
const Fine = 48;

/** A row as a picture, pixel by pixel: the browser makes it as large as its place. One that can be chosen is a button. */
export function Tile({ model, row, label, pressed, onChoose, large, shape = model.event_shape! }: TileProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const element = canvas.current!, context = element.getContext('2d')!;
    if (row) context.putImageData(pixelsOf(row, shape, rangeOfPixels(model)), 0, 0);
    else context.clearRect(0, 0, element.width, element.height);
    element.dataset.drawn = String(Number(element.dataset.drawn ?? 0) + 1);
  }, [row?.buffer, row?.byteOffset, row?.length]);
  const picture = <canvas ref={canvas} class={`canvas tile ${large ? 'large' : ''} ${shape[1] > Fine ? '' : 'squares'}`} width={shape[2]} height={shape[1]} role="img" aria-label={label} />;
  return onChoose ? <button type="button" class="tile-button" aria-pressed={pressed ?? false} onClick={event => onChoose(event.shiftKey)}>{picture}</button> : picture;
}
