import { right, wrong, type Parser } from './parsed.js';

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

const DAY = 24 * 3_600_000;

/**
 * A parser for durations: `500ms`, `30s`, `5m`, `1h`; a bare number means seconds.
 *
 * @param bounds the shortest and the longest duration allowed, in milliseconds; one day is the longest unless told otherwise
 * @returns a parser that gives whole milliseconds
 */
export function duration(bounds: { min: number; max?: number }): Parser<number> {
  const { min, max = DAY } = bounds;
  return (text) => {
    const match = /^([0-9]{1,15})\s*(ms|s|m|h)?$/.exec(text);
    if (!match) return wrong('must be a duration: a whole number with ms, s, m or h, such as 500ms, 30s or 5m');
    const ms = Number(match[1]) * (UNITS[match[2] ?? 's'] ?? 1000);
    if (ms < min || ms > max) return wrong(`must be between ${durationText(min)} and ${durationText(max)}`);
    return right(ms);
  };
}

/** A duration in milliseconds as a user would write it: `30s`, `5m`, `1h`, `500ms`. */
export function durationText(ms: number): string {
  const unit = ['h', 'm', 's'].find((name) => ms !== 0 && ms % (UNITS[name] ?? 1) === 0);
  return unit ? `${ms / (UNITS[unit] ?? 1)}${unit}` : ms === 0 ? '0s' : `${ms}ms`;
}
