import { DeployError } from '../errors.js';
import { readFiles, walk, type Directive, type NginxConfig } from './config.js';
import { readInstant } from './instant.js';
import { includesOf } from './includes.js';
import { nextToken, unreadable } from './lexer.js';
import { included } from './managed-files.js';
import type { Managed, ManagedFile } from './managed.js';
import { appPasses, type AppPass } from './passes.js';
import { routesInto, visitorRoutes, type Route } from './routes.js';
import { applyChanges, type Change } from './server-lines.js';
import { conversionTraps, otherServers, refusedByNginx, type Conversion } from './setup-traps.js';
import { hunksOf, lineBefore, lineEnd, lineOf, lineStart, type Hunk } from './text-edit.js';
import { at, type InstantOptions, type Trap } from './trap.js';
import { sameName, serverLines, upstreams } from './upstream.js';
import { variablesOf } from './variables.js';

/** A change as people read it: the directive alone, since the rest of its line may hold secrets. */
export interface ShownChange {
  file: string;
  /** In the file as it is now. */
  line: number;
  /** Where what is added goes, when nothing is taken away. */
  where: string;
  remove: string;
  add: string;
}

/** A file that has to be written: one of the managed ones, or one of the site's. */
export interface FileWrite {
  file: string;
  /** As nginx loads it now. Undefined for a managed file that it does not load yet, and for a file that is written a second time. */
  before: string | undefined;
  after: string;
  /** What changes in a file of the site; undefined for a managed one. */
  hunks: Hunk[] | undefined;
}

/** All that is to be done once, so that nginx follows `live`. */
export interface SetupPlan {
  /**
   * The managed files that are not as they should be, and the site's that change, in the order in which they have to be
   * written: after each of them `nginx -t` passes, so that setup can be run again if it died in between.
   */
  writes: FileWrite[];
  shown: ShownChange[];
  /** Why it cannot be done: nothing is then. */
  traps: Trap[];
  /** By the files as they are now. */
  warnings: Trap[];
  /** As in `InstantFacts`, by the files as they will be. */
  probes: Route[];
  /** How a visitor comes to the app, one for each server block that leads to it. */
  visits: Route[];
}

type Edit = Change & ShownChange;

/**
 * What makes nginx follow the link `live`, in place of being edited and reloaded by each switch: a pure function.
 * @param wanted the files for the setting `listen`, as they should be
 * @param other those for its other value: where they are in use, the site is changed over
 * @param options also the path that a visitor would ask for
 * @throws DeployError when no server block leads to the app, or where the configuration cannot be followed
 */
export function planSetup(config: NginxConfig, wanted: Managed, other: Managed, options: InstantOptions & { healthPath: string }): SetupPlan {
  const variables = variablesOf(config);
  const passes = appPasses(config, wanted, options, variables);
  const conversion = conversionOf(config, wanted, passes, other, appPasses(config, other, options, variables), options.upstream);
  if (conversion.servers.length === 0) throw leadsNowhere(options.upstream);

  const refused = conversionTraps(conversion, options);
  // What cannot be changed is not: the rest of the traps is read with what can be.
  const bad = new Set(refused.map(({ file, line }) => `${file}:${line}`));
  const edits = editsOf(config, wanted, { ...conversion, passes: conversion.passes.filter(({ directive }) => !bad.has(`${directive.file}:${directive.line}`)) });
  const files = [wanted.http, wanted.server].filter((file) => file !== undefined).filter((file) => config.files.get(file.path) !== file.text);
  const changed = changedConfig(config, edits, files);
  const facts = readInstant(changed, wanted, options);
  const before = (trap: Trap): Trap => ({ ...trap, line: lineBefore(config.files.get(trap.file) ?? '', edits.filter(({ file }) => file === trap.file), trap.line) });
  const left = [...refusedByNginx(changed, wanted, options), ...facts.traps].map(before).filter(({ file, line }) => !bad.has(`${file}:${line}`));
  const traps = [...refused, ...otherServers(conversion, options), ...left];
  if (!facts.setUp && traps.length === 0) traps.push({ file: config.main, line: 1, what: facts.why, mend: 'Write it as the README shows, then run setup again.' });
  return {
    writes: writesOf(config, wanted, files, edits),
    shown: edits,
    traps,
    warnings: [...lostLines(conversion), ...otherAddresses(conversion, options), ...facts.warnings.map(before)],
    probes: facts.probes,
    visits: routesInto(visitorRoutes(changed, { upstream: wanted.upstreams[0] ?? '', healthPath: options.healthPath }), options.curl),
  };
}

function conversionOf(config: NginxConfig, wanted: Managed, passes: AppPass[], other: Managed, otherPasses: AppPass[], upstream: string): Conversion {
  const port = wanted.variable !== '';
  const converted = port ? passes.filter(({ by }) => by === 'upstream') : otherPasses.filter(({ by }) => by === 'variable');
  const done = passes.filter(({ by }) => by === (port ? 'variable' : 'upstream'));
  const block = upstreams(config).find((one) => one.parent?.name === 'http' && one.file !== wanted.http.path && sameName(one.args[0] ?? '', upstream));
  return {
    wanted,
    from: other.proxyPass,
    passes: converted,
    servers: [...new Set([...converted, ...done].map(({ server }) => server))],
    includes: port ? [] : includesOf(config, other.server?.path ?? ''),
    // By the port the app's old upstream may stay: nothing leads to it any more.
    block: port && converted.length === 0 ? undefined : block,
  };
}

function leadsNowhere(upstream: string): DeployError {
  return new DeployError({
    step: 'survey',
    what: `no server block of nginx leads to the upstream ${upstream}, so there is nothing to set up`,
    next: `Let one do so: location / { proxy_pass http://${upstream}; } with upstream ${upstream} { server 127.0.0.1:<the port of blue>; } — then run setup again.`,
    settings: ['nginx-upstream'],
  });
}

function editsOf(config: NginxConfig, wanted: Managed, conversion: Conversion): Edit[] {
  const text = (file: string): string => config.files.get(file) ?? '';
  const edits = conversion.passes.map((pass) => passEdit(text(pass.directive.file), pass, wanted));
  if (wanted.server) {
    const file = wanted.server;
    const there = included(config, file.path);
    const lacking = conversion.servers.filter((server) => !there.has(server) && !includesOf(config, file.path).some((one) => within(one, server)));
    edits.push(...lacking.map((server) => firstLine(text(server.file), server, file.include)));
  }
  for (const one of conversion.includes) edits.push(removal(text(one.file), one));
  const includesHttp = includesOf(config, wanted.http.path).length > 0;
  const [first] = conversion.servers;
  if (conversion.block && !wanted.variable) {
    edits.push(blockEdit(text(conversion.block.file), conversion.block, includesHttp ? '' : wanted.http.include));
  } else if (!includesHttp && first) {
    edits.push(lineAbove(text(first.file), first, wanted.http.include));
  }
  return distinct(edits).sort((one, other) => (one.file === other.file ? one.start - other.start : one.file < other.file ? -1 : 1));
}

const within = (one: { file: string; start: number }, block: Directive): boolean => one.file === block.file && one.start > block.start && one.start < block.end;

/** A file that is included in several places is changed once. */
function distinct(edits: Edit[]): Edit[] {
  return [...new Map(edits.map((edit) => [`${edit.file} ${edit.start} ${edit.end}`, edit])).values()];
}

/** Another name in a pass; what follows it stays. */
function passEdit(text: string, { directive, rest }: AppPass, { proxyPass }: Managed): Edit {
  const word = directive.words[1];
  const [start, end] = [word?.start ?? directive.start, word?.end ?? directive.start];
  const quote = /^["']/.exec(text.slice(start, end))?.[0] ?? '';
  return {
    ...at(directive),
    start,
    end,
    text: `${quote}${proxyPass}${rest}${quote}`,
    where: '',
    remove: `proxy_pass ${directive.args[0]};`,
    add: `proxy_pass ${proxyPass}${rest};`,
  };
}

const eolAt = (text: string, offset: number): string => (text.slice(offset, lineEnd(text, offset)).endsWith('\r\n') ? '\r\n' : '\n');
const indentAt = (text: string, offset: number): string => /^[ \t]*/.exec(text.slice(lineStart(text, offset)))?.[0] ?? '';

/** The include as the first line of a block, or as its first directive where the whole block stands in one line. */
function firstLine(text: string, server: Directive, include: string): Edit {
  const last = server.words.at(-1);
  const fail = (_offset: number, what: string) => unreadable(server.file, server.line, what);
  const brace = nextToken(text, last?.end ?? server.start, fail).start;
  const rest = text.slice(brace + 1, lineEnd(text, brace));
  const shown = { file: server.file, line: lineOf(text, brace), where: 'as the first line of the server block', remove: '', add: include };
  if (!/^[ \t]*(#.*)?\r?\n$/.test(rest)) return { ...shown, start: brace + 1, end: brace + 1, text: ` ${include}` };
  const start = lineEnd(text, brace);
  const inner = (server.block ?? []).find((one) => one.file === server.file && within(one, server) && lineOf(text, one.start) > lineOf(text, brace));
  const indent = inner ? indentAt(text, inner.start) : `${indentAt(text, server.start)}    `;
  return { ...shown, start, end: start, text: `${indent}${include}${eolAt(text, brace)}` };
}

/** The include in a line before the one of a block, or in front of it where it does not begin its line. */
function lineAbove(text: string, block: Directive, include: string): Edit {
  const line = lineStart(text, block.start);
  const shown = { ...at(block), where: 'before this line', remove: '', add: include };
  if (text.slice(line, block.start).trim()) return { ...shown, where: `before the ${block.name} block in this line`, start: block.start, end: block.start, text: `${include} ` };
  return { ...shown, start: line, end: line, text: `${indentAt(text, block.start)}${include}${eolAt(text, block.start)}` };
}

/** The include in the place of a block; without one, the block goes with its lines. */
function blockEdit(text: string, block: Directive, include: string): Edit {
  const remove = `${block.name} ${block.args.join(' ')} { … }`;
  if (!include) return { ...removal(text, block), remove };
  return { ...at(block), where: '', start: block.start, end: block.end, text: include, remove, add: include };
}

function removal(text: string, one: { file: string; line: number; name: string; args: string[]; start: number; end: number }): Edit {
  const [first, last] = [lineStart(text, one.start), lineEnd(text, one.end)];
  const alone = !text.slice(first, one.start).trim() && !text.slice(one.end, last).trim();
  const [start, end] = alone ? [first, last] : [one.start, one.end];
  return { ...at(one), where: '', start, end, text: '', remove: `${one.name} ${one.args.join(' ')};`, add: '' };
}

/** The configuration as it will be, read again: what is said of it is said by the same code as in each deploy. */
function changedConfig(config: NginxConfig, edits: Edit[], managed: ManagedFile[]): NginxConfig {
  const files = new Map(config.files);
  for (const [file, text] of files) files.set(file, applyChanges(text, 0, edits.filter((edit) => edit.file === file)));
  for (const { path, text } of managed) files.set(path, text);
  return readFiles(files);
}

/** Changes of the site's files. @throws DeployError for a file that cannot be written again byte for byte */
function siteWrites(files: Map<string, string>, wanted: Managed, edits: Edit[]): FileWrite[] {
  // First what includes the upstreams, then what sets the variable, last what only leads to it.
  const rank = (file: string): number => {
    const added = edits.filter((edit) => edit.file === file).map(({ add }) => add);
    return added.includes(wanted.http.include) ? 0 : wanted.server && added.includes(wanted.server.include) ? 1 : 2;
  };
  return [...new Set(edits.map(({ file }) => file))].sort((one, other) => rank(one) - rank(other)).map((file) => {
    const before = files.get(file) ?? '';
    const mine = edits.filter((edit) => edit.file === file);
    if (before.includes('\uFFFD')) {
      throw new DeployError({
        step: 'survey',
        what: `${file}, which has to be changed, holds bytes that are not UTF-8, in line ${lineOf(before, before.indexOf('\uFFFD'))} first`,
        next: `Write its comments in UTF-8 or plain ASCII, or make the changes by hand: ${mine.map(changeText).join('; ')}`,
        settings: [],
      });
    }
    return { file, before, after: applyChanges(before, 0, mine), hunks: hunksOf(before, mine) };
  });
}

/**
 * All files in order. nginx refuses a name that it does not know, and an upstream that is there twice: so an old upstream goes
 * before one of its name comes, while the site leads to the variable; and one that the site leads to goes after that.
 */
function writesOf(config: NginxConfig, wanted: Managed, files: ManagedFile[], edits: Edit[]): FileWrite[] {
  const late = (file: ManagedFile): boolean => file === wanted.http && wanted.variable !== '' && config.files.has(file.path);
  const write = ({ path, text }: ManagedFile): FileWrite => ({ file: path, before: config.files.get(path), after: text, hunks: undefined });
  const oldUpstream = edits.filter(({ remove, add }) => remove.startsWith('upstream ') && !add);
  const early = siteWrites(config.files, wanted, oldUpstream);
  const texts = new Map([...config.files, ...early.map(({ file, after }): [string, string] => [file, after])]);
  const rest = edits.filter((edit) => !oldUpstream.includes(edit)).map((edit) => oldUpstream.reduce(shifted, edit));
  const site = siteWrites(texts, wanted, rest).map((one) => (early.some(({ file }) => file === one.file) ? { ...one, before: undefined } : one));
  return [...early, ...files.filter((file) => !late(file)).map(write), ...site, ...files.filter(late).map(write)];
}

/** A change where it stands once another one was made. */
function shifted(edit: Edit, { file, start, end, text }: Edit): Edit {
  const by = edit.file === file && edit.start >= end ? text.length - (end - start) : 0;
  return { ...edit, start: edit.start + by, end: edit.end + by };
}

const changeText = ({ line, where, remove, add }: ShownChange): string => `line ${line}: ${remove ? `\`${remove}\` becomes \`${add}\`` : `\`${add}\` ${where}`}`;

/** What the upstream has beside its server lines holds for it alone. */
function lostLines({ wanted, block }: Conversion): Trap[] {
  return [...walk(block?.block)]
    .filter(({ name, args }) => !(name === 'server' && args.slice(1).every((word) => word === 'down' || word === 'backup')))
    .map((one) => ({
      ...at(one),
      what: `${[one.name, ...one.args].join(' ')}: the upstream${wanted.upstreams.length > 1 ? 's' : ''} in ${wanted.http.path} ${wanted.upstreams.length > 1 ? 'do' : 'does'} not have this`,
      mend: 'Nothing, if that is well; else set switch: reload.',
    }));
}

/** The upstreams of setup have one address of this machine. An app that listens on another one alone would not be reached. */
function otherAddresses({ wanted, block }: Conversion, options: InstantOptions): Trap[] {
  if (!block || wanted.upstreams.length < 2) return [];
  return serverLines(block, options)
    .filter(({ slot, address }) => slot && address?.host !== '127.0.0.1')
    .map(({ directive, address }) => ({
      ...at(directive),
      what: `server ${directive.args[0]}: nginx will connect to 127.0.0.1:${address?.port} in its place`,
      mend: 'Let the app listen there (a server on `localhost` may listen on ::1 only), or set switch: reload.',
    }));
}
