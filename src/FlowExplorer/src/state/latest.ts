import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../api/client';

export interface Answer<T> {
  value: T | null;
  /** Why there is no newer one. */
  problem: Problem | null;
  busy: boolean;
}

/**
 * The answer to the latest question. While one is under way newer questions wait, and of those only the last is asked: a slider never
 * leaves a queue behind it, and the picture moves on with each answer. The former answer stays until the next one is there.
 */
export function useLatest<T>(question: unknown, askFor: (signal: AbortSignal) => Promise<T> | null): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ value: null, problem: null, busy: true });
  const state = useRef({ running: false, waiting: false, alive: true, askFor });
  state.current.askFor = askFor;
  const abort = useRef(new AbortController());
  useEffect(() => {
    const own = state.current;
    own.alive = true;
    abort.current = new AbortController();
    return () => { own.alive = false; abort.current.abort(); };
  }, []);
  // Before the browser paints, not behind it: what waits for a frame is seen a frame later.
  useLayoutEffect(() => {
    const run = async () => {
      const own = state.current;
      own.running = true;
      do {
        own.waiting = false;
        try {
          const asked = own.askFor(abort.current.signal);
          if (asked === null) {
            setAnswer({ value: null, problem: null, busy: false });
            continue;
          }
          setAnswer(before => ({ ...before, busy: true }));
          const value = await asked;
          if (own.alive) setAnswer({ value, problem: null, busy: own.waiting });
        } catch (error) {
          if (own.alive) setAnswer(before => ({ value: before.value, problem: error instanceof Problem ? error : new Problem(-1, 'page', String((error as Error).message ?? error)), busy: false }));
        }
      } while (own.waiting && own.alive);
      own.running = false;
    };
    if (state.current.running) state.current.waiting = true;
    else void run();
  }, [JSON.stringify(question)]);
  return answer;
}

/** A value as it was when it last stood still for a while: what is dear is asked when a slider rests, not while it moves. */
export function useResting<T>(value: T, question: unknown, calm = 200): T {
  const [rested, setRested] = useState(value);
  const latest = useRef(value);
  latest.current = value;
  useEffect(() => {
    const timer = setTimeout(() => setRested(() => latest.current), calm);
    return () => clearTimeout(timer);
  }, [JSON.stringify(question)]);
  return rested ?? value;
}
