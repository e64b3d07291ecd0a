// Reads a job's log as the runner does, and finds the workflow commands in it. Node's own modules only.
// Source: actions/runner, ActionCommandManager.cs (TryProcessCommand) and ActionCommand.cs (TryParseV2, TryParse).

/** The commands that the runner knows; its page draws some of them on its own. */
const known = ['add-mask', 'add-matcher', 'add-path', 'debug', 'echo', 'endgroup', 'error', 'group', 'internal-set-repo-path', 'notice', 'remove-matcher', 'save-state', 'set-env', 'set-output', 'stop-commands', 'warning'];

/** What .NET's TrimStart takes away: white space of Unicode, NEL too, but not U+FEFF. */
const leading = /^[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/**
 * Every command that the runner would carry out, in order; what stands between a `stop-commands` and its token is none.
 *
 * @param {string} log
 * @returns {{ command: string, properties: Record<string, string>, data: string, line: number }[]} `resume` for the token that ends a stop
 */
export function logCommands(log) {
  const found = [];
  let token = '';
  for (const [index, text] of log.split(/\r\n|\r|\n/).entries()) {
    const parsed = atLineStart(text, token) ?? olderForm(text, token);
    if (!parsed) continue;
    if (token) {
      if (parsed.command.toLowerCase() !== token.toLowerCase()) continue;
      token = '';
      found.push({ ...parsed, command: 'resume', line: index + 1 });
    } else {
      if (parsed.command === 'stop-commands') token = parsed.data;
      found.push({ ...parsed, line: index + 1 });
    }
  }
  return found;
}

/** `::name key=value,key=value::data`, at the start of a line, white space before it or not. */
function atLineStart(text, token) {
  const trimmed = text.replace(leading, '');
  const end = trimmed.startsWith('::') ? trimmed.indexOf('::', 2) : -1;
  return end < 0 ? undefined : command(trimmed.slice(2, end), ',', trimmed.slice(end + 2), token, { '%0D': '\r', '%0A': '\n', '%3A': ':', '%2C': ',', '%25': '%' });
}

/** `##[name key=value;key=value]data`, anywhere in a line. */
function olderForm(text, token) {
  const begin = text.indexOf('##[');
  const end = begin < 0 ? -1 : text.indexOf(']', begin);
  return end < 0 ? undefined : command(text.slice(begin + 3, end), ';', text.slice(end + 1), token, { '%3B': ';', '%0D': '\r', '%0A': '\n', '%5D': ']', '%25': '%' });
}

function command(info, separator, data, token, escapes) {
  const space = info.indexOf(' ');
  const name = space < 0 ? info : info.slice(0, space);
  if (![...known, ...(token ? [token] : [])].some((one) => one.toLowerCase() === name.toLowerCase())) return undefined;
  const plain = (text) => Object.entries(escapes).reduce((rest, [escape, sign]) => rest.replaceAll(escape, sign), text);
  const pairs = space < 0 ? [] : info.slice(space + 1).trim().split(separator).filter(Boolean).map((pair) => pair.split(/=(.*)/s));
  return { command: name.toLowerCase(), properties: Object.fromEntries(pairs.map(([key, value = '']) => [key, plain(value)])), data: plain(data) };
}
