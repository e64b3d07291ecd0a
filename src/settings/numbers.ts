import { items, right, wrong, type Parsed, type Parser } from './parsed.js';

/** A range of HTTP status codes, both ends included. */
export interface StatusRange {
  from: number;
  to: number;
}

/** A parser for a whole number between two bounds, both included. */
export function wholeNumber(min: number, max: number): Parser<number> {
  return (text) => {
    const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : NaN;
    return value >= min && value <= max ? right(value) : wrong(`must be a whole number between ${min} and ${max}`);
  };
}

/** A TCP port. */
export const port: Parser<number> = wholeNumber(1, 65535);

/** The two ports of the slots, blue first. */
export function slotPorts(text: string): Parsed<[number, number]> {
  const message = 'must be two different ports between 1 and 65535, such as 9501,9502';
  const parsed = items(text).map(port);
  const numbers = parsed.flatMap((result) => ('value' in result ? [result.value] : []));
  const [blue, green] = numbers;
  if (parsed.length !== 2 || blue === undefined || green === undefined || blue === green) return wrong(message);
  return right([blue, green]);
}

/** Status codes that count as an answer: `200-299`, `200,204,301-302`. */
export function statusRanges(text: string): Parsed<StatusRange[]> {
  const ranges: StatusRange[] = [];
  for (const item of items(text)) {
    const match = /^([1-5][0-9]{2})(?:\s*-\s*([1-5][0-9]{2}))?$/.exec(item);
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    if (!match || from > to) return wrong('must be status codes or ranges of them between 100 and 599, such as 200-299 or 200,204');
    ranges.push({ from, to });
  }
  return ranges.length ? right(ranges) : wrong('must name at least one status code, such as 200-299');
}

/** A share in percent, `5%` or `2.5`, both bounds included. */
export function percentage(text: string): Parsed<number> {
  const value = /^[0-9]{1,3}(\.[0-9]{1,3})?\s*%?$/.test(text) ? parseFloat(text) : NaN;
  return value >= 0 && value <= 100 ? right(value) : wrong('must be a share between 0% and 100%, such as 5% or 0.5%');
}
