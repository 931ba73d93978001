import { useEffect, useRef, useState } from 'preact/hooks';
import * as api from '../api/client';
import type { Problem } from '../api/client';
import type { ModelDetails, Shadow } from '../api/types';
import { count, exact } from '../math/text';
import { Fault, Figure, Panel } from '../parts/controls';
import { Snippets } from '../parts/snippets';
import { useLatest } from '../state/latest';
import { look } from '../state/models';
import { getExample } from './today';

/** Which of two versions knows the rows of today better, and which of them serves. */
export function Versions({ model, turn }: { model: ModelDetails; turn: number }) {
  const [served, setServed] = useState(0);
  const { value, problem } = useLatest(model.shadow ? [model.name, model.version, turn, served] : null, signal => model.shadow ? api.shadow(model.name, signal) : null);
  if (model.shadow && !value && !problem) return <div class="awaited" aria-busy="true" />;
  return (
    <>
      <Panel title="Which version is better?" hint={value ? 'Both versions score some of the same rows. The better model of the world finds them likelier on average: that needs no labels.' : undefined}>
        {problem && <Fault problem={problem} />}
        {value ? <Comparison model={model} value={value} onServed={() => { setServed(served + 1); void look(); }} /> : !model.shadow && <Nothing model={model} />}
      </Panel>
      <Snippets example={getExample(`models/${model.name}/shadow`)} />
    </>
  );
}

function Nothing({ model }: { model: ModelDetails }) {
  const versions = model.versions.map(each => each.version);
  return (
    <>
      <p>{versions.length > 1 ? `There are versions ${versions.join(', ')}, and none is compared with another.` : `There is version ${versions[0]} alone.`} A service that is told to compares two versions on the rows that your programs have scored, while one of them goes on serving:</p>
      <pre tabIndex={0} aria-label="Setting"><code>{`--Models:Overrides:${model.name}:Shadow ${Math.max(...versions) + (versions.length > 1 ? 0 : 1)}`}</code></pre>
    </>
  );
}

function Comparison({ model, value, onServed }: { model: ModelDetails; value: Shadow; onServed: () => void }) {
  const { shadow, other, rows, dropped, serving, verdict } = value;
  return (
    <>
      <p class={verdict === 'undecided' ? 'verdict' : verdict === 'better' ? 'verdict fine-text' : 'verdict odd-text'}>{verdict === 'incomparable' ? `Versions ${shadow} and ${other} take different rows, and cannot be compared.` : rows === 0 ? `No row was scored by both versions yet: they are a share of those that come.`
        : verdict === 'better' ? `Version ${shadow} is better than version ${other}.` : verdict === 'worse' ? `Version ${shadow} is worse than version ${other}.`
          : `Undecided: after ${count(rows)} rows the difference may still be 0.`}</p>
      <Interval value={value} />
      <dl class="figures">
        <Figure name="Difference">{rows === 0 ? '–' : `${exact(value.difference)} nats a row for version ${shadow}; between ${exact(value.low)} and ${exact(value.high)}`}</Figure>
        <Figure name="Rows">{count(rows)}{dropped > 0 ? `; ${count(dropped)} passed over, for want of time` : ''}</Figure>
        <Figure name="Serving">{`version ${serving}${value.lasting ? '' : ', until the service restarts: it could not be written down'}`}</Figure>
      </dl>
      <p class="hint">The interval is right at all times together with probability 99 % (a confidence sequence): look as often as you like, and stop when it leaves 0. A row counts for at most 3 nats either way.</p>
      <Serve key={serving} model={model} value={value} onServed={onServed} />
    </>
  );
}

/** The interval around 0: left of it the other version is better, right of it the compared one. */
function Interval({ value: { low, high, difference, shadow, other, rows } }: { value: Shadow }) {
  const most = Math.max(Math.abs(low), Math.abs(high), 1e-6) * 1.1, at = (each: number) => 150 + 145 * each / most;
  return (
    <figure class="interval">
      <svg viewBox="0 0 300 34" role="img" aria-label={`The difference is ${exact(difference)}, between ${exact(low)} and ${exact(high)}`} preserveAspectRatio="none">
        <line class="axis" x1="5" x2="295" y1="17" y2="17" /><line class="zero" x1="150" x2="150" y1="3" y2="31" />
        <rect x={at(low)} y="12" width={Math.max(1, at(high) - at(low))} height="10" />{rows > 0 && <line class="mean" x1={at(difference)} x2={at(difference)} y1="7" y2="27" />}
      </svg>
      <figcaption><span>{`version ${other} better`}</span><span>0</span><span>{`version ${shadow} better`}</span></figcaption>
    </figure>
  );
}

/** Lets the one that does not serve take over, once somebody has said so twice. Whether the key allows it is the service's to say. */
function Serve({ model, value, onServed }: { model: ModelDetails; value: Shadow; onServed: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [asked, setAsked] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const isPromotion = value.serving !== value.shadow, next = isPromotion ? value.shadow : value.other;
  useEffect(() => { if (asked) dialog.current!.showModal(); else dialog.current!.close(); }, [asked]);
  const serve = async () => {
    setAsked(false);
    setProblem(null);
    try {
      await api.serve(model.name, isPromotion);
      onServed();
    } catch (error) {
      setProblem(error as Problem);
    }
  };
  // A key that does not open it is not offered it again.
  return (
    <>
      {problem && <Fault problem={problem} />}
      {problem?.status !== 403 && <button type="button" onClick={() => setAsked(true)}>{`Let version ${next} serve …`}</button>}
      <dialog ref={dialog} aria-labelledby="serve-title" onClose={() => setAsked(false)}>
        <h2 id="serve-title">{`Let version ${next} serve ${model.name}?`}</h2>
        <p>{`Every request that names no version is answered by it from now on, by all who ask. The comparison begins anew.${isPromotion && value.verdict !== 'better' ? ` It has not been shown to be better than version ${value.serving}.` : ''}`}</p>
        <p class="hint">For administrators: it takes a key with the scope <code>admin</code>. It can be taken back here.</p>
        <div class="row"><button type="button" class="primary" onClick={() => void serve()}>{`Let version ${next} serve`}</button><button type="button" onClick={() => setAsked(false)}>Leave it</button></div>
      </dialog>
    </>
  );
}
