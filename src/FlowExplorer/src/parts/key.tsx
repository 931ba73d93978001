import { useEffect, useRef } from 'preact/hooks';
import { keyAsked, setKey } from '../api/client';
import { look } from '../state/models';

/** Asks for a key where the service wants one. It stays in this tab, and goes with every call; the address never holds it. */
export function KeyDialog({ onKey }: { onKey: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const reason = keyAsked.value;
  useEffect(() => {
    if (reason && !dialog.current!.open) dialog.current!.showModal();
    if (!reason && dialog.current!.open) dialog.current!.close();
  }, [reason]);
  return (
    <dialog ref={dialog} aria-labelledby="key-title" onCancel={() => { keyAsked.value = ''; }}>
      <form onSubmit={event => {
        event.preventDefault();
        setKey(new FormData(event.currentTarget).get('key') as string);
        void look();
        onKey();
      }}>
        <h2 id="key-title">A key, please</h2>
        <p>{reason}</p>
        <label for="key">Key or token</label>
        <input id="key" name="key" type="password" autocomplete="off" required spellcheck={false} />
        <p class="hint">It needs the scope <code>infer</code>; with <code>metrics</code> the live figures are shown too. It is kept in this tab alone.</p>
        <div class="row"><button class="primary" type="submit">Go on</button><button type="button" onClick={() => { keyAsked.value = ''; }}>Not now</button></div>
      </form>
    </dialog>
  );
}
