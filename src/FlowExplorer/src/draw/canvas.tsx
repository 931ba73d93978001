import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { theme } from '../state/theme';

export interface Surface { context: CanvasRenderingContext2D; width: number; height: number }

interface Props {
  label: string;
  /** Draws the whole picture; called when anything in `state`, the size or the theme changes. */
  draw: (surface: Surface) => void;
  state: unknown[];
  class?: string;
  onPress?: (x: number, y: number, size: { width: number; height: number }) => void;
}

/** A canvas that is as large as its place, as sharp as the screen, and says what it shows. */
export function Canvas({ label, draw, state, class: name, onPress }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const latest = useRef(draw);
  latest.current = draw;
  const frame = useRef(0);

  const paint = () => {
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => {
      const element = canvas.current;
      if (!element) return;
      const { clientWidth: width, clientHeight: height } = element;
      if (width === 0 || height === 0) return;
      const scale = window.devicePixelRatio || 1;
      if (element.width !== Math.round(width * scale) || element.height !== Math.round(height * scale)) {
        element.width = Math.round(width * scale);
        element.height = Math.round(height * scale);
      }
      const context = element.getContext('2d')!;
      context.setTransform(scale, 0, 0, scale, 0, 0);
      context.clearRect(0, 0, width, height);
      latest.current({ context, width, height });
      element.dataset.drawn = String(Number(element.dataset.drawn ?? 0) + 1);
    });
  };

  useEffect(() => {
    const observer = new ResizeObserver(paint);
    observer.observe(canvas.current!);
    return () => { observer.disconnect(); cancelAnimationFrame(frame.current); };
  }, []);
  useLayoutEffect(paint, [...state, theme.value]);

  const press = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    onPress?.(event.clientX - box.left, event.clientY - box.top, { width: box.width, height: box.height });
  };

  return <canvas ref={canvas} class={`canvas ${onPress ? 'pressable' : ''} ${name ?? ''}`} role="img" aria-label={label} onPointerDown={onPress ? press : undefined} />;
}
