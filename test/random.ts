/** A whole number from 0 to below `below`, the next one at each call. */
export type Random = (below: number) => number;

/** Pseudo-random numbers (mulberry32) that are the same for the same seed, so that a failure can be repeated. */
export function seeded(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** One of them. */
export function oneOf<T>(random: Random, choices: readonly T[]): T {
  const chosen = choices[random(choices.length)];
  if (chosen === undefined) throw new RangeError('nothing to choose from');
  return chosen;
}

/** Up to `longest` of the pieces, one after the other. */
export function textOf(random: Random, pieces: readonly string[], longest: number): string {
  return Array.from({ length: random(longest + 1) }, () => oneOf(random, pieces)).join('');
}
