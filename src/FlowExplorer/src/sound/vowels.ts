/** Vowels that glide into each other, to begin with: pulses of a voice through the resonances of a mouth. */

const Seconds = 1.5, Loudest = 0.5;

// The first three formants of [a], [i] and [u], in hertz: Peterson and Barney, "Control Methods Used in a Study of the Vowels" (1952).
const Formants = [[730, 1090, 2440], [270, 2290, 3010], [300, 870, 2240]], Widths = [80, 100, 140];

export function vowels(rate: number): Float32Array {
  const samples = new Float32Array(Math.round(Seconds * rate));
  const memory = Widths.map(() => [0, 0]);
  let phase = 1;
  for (let i = 0; i < samples.length; i++) {
    const at = i / samples.length * (Formants.length - 1), vowel = Math.min(Math.floor(at), Formants.length - 2), share = at - vowel;
    phase += (130 - 30 * i / samples.length) / rate;
    let value = 0;
    if (phase >= 1) [value, phase] = [1, phase - 1];
    Widths.forEach((width, k) => {
      const frequency = Formants[vowel][k] * (1 - share) + Formants[vowel + 1][k] * share;
      const radius = Math.exp(-Math.PI * width / rate), [before, last] = memory[k];
      value = (1 - radius) * value + 2 * radius * Math.cos(2 * Math.PI * frequency / rate) * last - radius * radius * before;
      memory[k] = [last, value];
    });
    samples[i] = value * Math.sin(Math.PI * i / samples.length);
  }
  const largest = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return samples.map(value => value / largest * Loudest);
}
