import type { Directive } from './config.js';

/** A `location` as nginx reads its arguments. */
export interface Location {
  directive: Directive;
  kind: 'prefix' | 'exact' | 'regex' | 'named';
  /** The path, the regular expression, or the name with its `@`. */
  value: string;
  /** `^~`: regular expressions are not asked after it. */
  final: boolean;
  matches: (path: string) => boolean;
}

/** Reads a location, also the short form without a space (`=/x`). */
export function parseLocation(directive: Directive): Location {
  const joined = directive.args.length > 1 ? directive.args : splitModifier(directive.args[0] ?? '');
  const [modifier, value = ''] = joined.length > 1 ? joined : ['', joined[0]];
  const base = { directive, value, final: false };
  if (modifier === '=') return { ...base, kind: 'exact', matches: (path) => path === value };
  if (modifier === '~' || modifier === '~*') {
    const expression = compile(value, modifier === '~*' ? 'i' : '');
    return { ...base, kind: 'regex', matches: (path) => expression?.test(path) ?? false };
  }
  if (value.startsWith('@')) return { ...base, kind: 'named', matches: () => false };
  return { ...base, kind: 'prefix', final: modifier === '^~', matches: (path) => path.startsWith(value) };
}

function splitModifier(text: string): string[] {
  const match = /^(=|\^~|~\*|~)(.+)$/s.exec(text);
  return match ? [match[1] ?? '', match[2] ?? ''] : [text];
}

/** nginx's expressions are PCRE: one that JavaScript cannot read matches nothing here. */
function compile(expression: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(expression, flags);
  } catch {
    return undefined;
  }
}

/** The location that nginx would choose for a path: exact, longest prefix, then expressions in order; nested ones too. */
export function chosenLocation(block: Directive[] | undefined, path: string): Location | undefined {
  const fitting = (block ?? [])
    .filter((directive) => directive.name === 'location' && directive.block)
    .map(parseLocation)
    .filter((location) => location.matches(path));
  const exact = fitting.find((location) => location.kind === 'exact');
  if (exact) return exact;
  const prefix = fitting
    .filter((location) => location.kind === 'prefix')
    .reduce<Location | undefined>((best, one) => (best && best.value.length >= one.value.length ? best : one), undefined);
  const nested = prefix && chosenLocation(prefix.directive.block, path);
  if (nested) return nested;
  const expression = prefix?.final ? undefined : fitting.find((location) => location.kind === 'regex');
  return (expression && chosenLocation(expression.directive.block, path)) ?? expression ?? prefix;
}
