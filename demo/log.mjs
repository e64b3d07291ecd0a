// Reads the log of a job as GitHub's page does: workflow commands become headings and annotations, or vanish.

/**
 * @typedef {{ kind: 'heading' | 'inside' | 'line' | 'notice' | 'warning' | 'error', text: string }} LogLine
 * `heading`: a group begins; `inside`: a line of its content; `line`: outside of groups; the others are annotations.
 */

/**
 * Gives a function that takes the log in pieces, as they come, and shows whole lines.
 *
 * @param {(line: LogLine) => void} show
 * @returns {{ feed: (text: string) => void, end: () => void }}
 */
export function readLog(show) {
  let rest = '';
  let inGroup = false;
  // While commands are stopped, a line that looks like one is text.
  let stopToken = '';

  const line = (text) => {
    const [, name, properties, message] = /^::([a-z-]+)((?: [^:]*)?)::(.*)$/.exec(text) ?? [];
    if (stopToken) {
      if (text === `::${stopToken}::`) stopToken = '';
      else show({ kind: inGroup ? 'inside' : 'line', text });
    } else if (name === 'group') {
      inGroup = true;
      show({ kind: 'heading', text: decode(message) });
    } else if (name === 'endgroup') {
      inGroup = false;
    } else if (name === 'stop-commands') {
      stopToken = message;
    } else if (name === 'notice' || name === 'warning' || name === 'error') {
      const title = /title=([^,]*)/.exec(properties)?.[1];
      show({ kind: name, text: [title && decode(title), decode(message)].filter(Boolean).join(': ') });
    } else if (!name) {
      show({ kind: inGroup ? 'inside' : 'line', text });
    }
  };

  return {
    feed(text) {
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop() ?? '';
      lines.forEach(line);
    },
    end() {
      if (rest) line(rest);
      rest = '';
    },
  };
}

/** How the toolkit writes line breaks and its own signs in commands. */
function decode(text) {
  return text.replace(/%0D/g, '\r').replace(/%0A/g, '\n').replace(/%3A/g, ':').replace(/%2C/g, ',').replace(/%25/g, '%');
}
