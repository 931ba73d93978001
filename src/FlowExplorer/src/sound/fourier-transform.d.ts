declare module 'fourier-transform' {
  /** The magnitudes of the first half of the spectrum of real samples, as many as a power of two. */
  export default function rfft(samples: ArrayLike<number>): Float64Array;
}
