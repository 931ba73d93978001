import { useEffect, useMemo, useState } from 'preact/hooks';
import * as api from '../api/client';
import { Problem } from '../api/client';
import type { ModelDetails } from '../api/types';
import { Spectrogram } from '../draw/spectrogram';
import { exact } from '../math/text';
import { Drop, Fault, Figure, Panel, Slider } from '../parts/controls';
import { Snippets } from '../parts/snippets';
import { soundOf, wavOf } from '../sound/wav';
import { vowels } from '../sound/vowels';
import { useLatest } from '../state/latest';
import { note, numberAt } from '../state/route';

const UsualTemperature = 0.8;

interface Given { samples: Float32Array; from: string }

/** A vocoder: a sound, and what the flow speaks of its mels. */
export function Speak({ model }: { model: ModelDetails }) {
  const sampling = model.spec!.sound!, { rate, mels } = sampling;
  const temperature = numberAt('temperature', UsualTemperature), seed = numberAt('seed', 1);
  const [own, setOwn] = useState<Given | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const example = useMemo(() => ({ samples: vowels(rate), from: 'three vowels, made by this page' }), [rate]);
  const given = own ?? example;
  const file = useMemo(() => wavOf(given.samples, rate), [given]);
  const spoken = useLatest([model.name, model.version, seed, temperature, given.from, given.samples.length], async signal => {
    const began = performance.now(), sound = await api.speak(model.name, { seed, temperature }, file, signal);
    return { sound, seconds: (performance.now() - began) / 1000, samples: await soundOf(sound, rate) };
  });
  const density = useLatest([model.name, model.version, given.from, given.samples.length], signal => api.soundDensity(model.name, file, signal));
  const take = async (chosen: File) => {
    setProblem(null);
    try {
      setOwn({ samples: await soundOf(chosen, rate), from: chosen.name });
    } catch (error) {
      setProblem(new Problem(-1, 'page', (error as Error).message));
    }
  };
  const fault = problem ?? spoken.problem ?? density.problem;
  const length = given.samples.length / rate;
  return (
    <div class="columns wide-left">
      <Panel title="A sound, and what the flow speaks of it" hint={`The flow hears ${mels} mels of each ${exact(1000 * sampling.hop / rate)} ms, how loud the sound is at which height, and makes samples that fit them. Time runs to the right, frequency up to ${rate / 2} Hz.`}>
        {fault && <Fault problem={fault} />}
        <figure class="sound">
          <figcaption>{`Given: ${given.from}`}</figcaption>
          <Spectrogram samples={given.samples} sampling={sampling} label="Spectrogram of the given sound" />
          <Player sound={file} label="The given sound" />
        </figure>
        <figure class="sound">
          <figcaption>Spoken by the flow from its mels</figcaption>
          <Spectrogram samples={spoken.value?.samples ?? null} sampling={sampling} label="Spectrogram of the spoken sound" />
          <Player sound={spoken.value?.sound ?? null} label="The spoken sound" />
        </figure>
        <dl class="figures">
          <Figure name="Length">{exact(length)} s at {rate} samples a second</Figure>
          <Figure name="Spoken within">{spoken.value && !spoken.busy ? `${exact(Number(spoken.value.seconds.toPrecision(2)))} s, the way here included` : '–'}</Figure>
          <Figure name="Log density">{typeof density.value?.log_prob_per_sample === 'number' ? `${exact(density.value.log_prob_per_sample)} nats a sample of the given sound, given its mels` : '–'}</Figure>
        </dl>
      </Panel>
      <Panel title="Voice">
        <Slider label="Temperature" value={temperature} min={0} max={1.2} step={0.05} hint="Below 1 speaks with less noise."
          onInput={value => note({ temperature: value === UsualTemperature ? undefined : String(value) })} />
        <button type="button" onClick={() => note({ seed: String(seed + 1) })}>Speak it anew</button>
        <Drop label="Take a sound of yours" accept="audio/*" onFile={chosen => void take(chosen)}><span class="muted">or drop it here: it is brought to {rate} samples a second first</span></Drop>
        <Snippets example={{
          path: 'sample', query: { model: model.name, seed, temperature }, file: { name: 'sentence.wav', type: 'audio/wav' }, accept: 'audio/wav', save: 'spoken.wav',
          python: `import pathlib, urllib.request    # the client speaks of rows: a sound is asked for by the standard library\n\nask = urllib.request.Request("${api.base}${api.addressOf({ path: 'sample', query: { model: model.name, seed, temperature } })}",\n    pathlib.Path("sentence.wav").read_bytes(), {"Content-Type": "audio/wav", "Accept": "audio/wav"})\npathlib.Path("spoken.wav").write_bytes(urllib.request.urlopen(ask).read())`,
          csharp: `using var http = new HttpClient();\nusing var sentence = new ByteArrayContent(await File.ReadAllBytesAsync("sentence.wav")) { Headers = { { "Content-Type", "audio/wav" } } };\nusing HttpResponseMessage spoken = await http.PostAsync("${api.base}${api.addressOf({ path: 'sample', query: { model: model.name, seed, temperature } })}", sentence);\nawait File.WriteAllBytesAsync("spoken.wav", await spoken.Content.ReadAsByteArrayAsync());`,
        }} />
      </Panel>
    </div>
  );
}

function Player({ sound, label }: { sound: Blob | null; label: string }) {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    if (!sound) return;
    const made = URL.createObjectURL(sound);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [sound]);
  return <audio controls src={address} aria-label={label} />;
}
