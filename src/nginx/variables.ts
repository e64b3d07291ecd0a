import { enclosing, walk, type Directive, type NginxConfig } from './config.js';

/** The values of all variables by the server block that they hold in; undefined for all of http or stream. */
export type Variables = Map<Directive | undefined, Assignment[]>;

/** A value that a variable can have. */
export interface Assignment {
  /** In small letters, without `$`. */
  variable: string;
  value: string;
  directive: Directive;
}

/** Blocks that give a variable, their last argument, a value in each line. */
const TABLES = new Set(['map', 'geo', 'split_clients']);

/** Bounds for variables that refer to each other, or to themselves. */
const MOST_VALUES = 500;
const MOST_REFERENCES = 2000;
const DEEPEST_REFERENCE = 5;

const REFERENCE = /\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))/g;

const plainName = (text: string): string => text.replace(/^\$/, '').toLowerCase();

/** The variables that a text refers to, in small letters. */
export function references(text: string): string[] {
  return [...text.matchAll(REFERENCE)].map((match) => (match[1] ?? match[2] ?? '').toLowerCase());
}

/** All values that `set`, `map`, `geo` and `split_clients` give to variables. */
export function variablesOf(config: NginxConfig): Variables {
  const variables: Variables = new Map();
  for (const directive of walk(config.directives)) {
    const found = assignmentsOf(directive);
    if (found.length === 0) continue;
    const server = enclosing(directive, 'server');
    variables.set(server, [...(variables.get(server) ?? []), ...found]);
  }
  return variables;
}

function assignmentsOf(directive: Directive): Assignment[] {
  const { name, args, block } = directive;
  if (name === 'set' && args.length >= 2) return [{ variable: plainName(args[0] ?? ''), value: args[1] ?? '', directive }];
  if (!block || !TABLES.has(name)) return [];
  const variable = plainName(args.at(-1) ?? '');
  return block
    .filter((entry) => entry.args.length === 1)
    .map((entry) => ({ variable, value: entry.args[0] ?? '', directive: entry }));
}

/**
 * What a text can be once its variables have their values, as far as the configuration says: unknown variables stay.
 * @param at the directive that holds the text; a `set` counts only in its own server block
 */
export function expand(text: string, at: Directive, variables: Variables): string[] {
  if (!text.includes('$')) return [text];
  const known = [undefined, enclosing(at, 'server')].flatMap((server) => variables.get(server) ?? []);
  return expandBy(text, known, DEEPEST_REFERENCE, { left: MOST_REFERENCES });
}

function expandBy(text: string, known: Assignment[], depth: number, budget: { left: number }): string[] {
  let results = [''];
  let end = 0;
  for (const match of text.matchAll(REFERENCE)) {
    const variable = (match[1] ?? match[2] ?? '').toLowerCase();
    const values = (depth > 0 && budget.left-- > 0 ? known : [])
      .filter((one) => one.variable === variable)
      .flatMap((one) => expandBy(one.value, known, depth - 1, budget));
    const before = text.slice(end, match.index);
    const choices = values.length ? [...new Set(values)] : [match[0]];
    results = results.flatMap((result) => choices.map((choice) => result + before + choice)).slice(0, MOST_VALUES);
    end = match.index + match[0].length;
  }
  return results.map((result) => result + text.slice(end));
}
