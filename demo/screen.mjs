// What is seen on the terminal: scenes, streamed logs, checks with ✓ or ✗, and the count of them.
import { readLog } from './log.mjs';

const marks = { notice: '·', warning: '!', error: '✗' };

/**
 * @param {NodeJS.WriteStream} [out] colours only where this is a terminal
 */
export function makeScreen(out = process.stdout) {
  const colours = Boolean(out.isTTY) && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
  const paint = (code) => (text) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  const [bold, dim, red, green, yellow, cyan] = [1, 2, 31, 32, 33, 36].map(paint);
  const print = (text = '') => out.write(`${text}\n`);
  const lines = (text) => text.trimEnd().split('\n');
  let passed = 0;
  let failed = 0;

  return {
    /** A line of our own. */
    say: (text = '') => print(text && `  ${text}`),

    title(text) {
      print();
      print(bold(text));
      print();
    },

    /** @param {string} name @param {string} story what will happen and what is expected, in a few lines */
    scene(name, story) {
      print();
      print(bold(cyan(`━━ ${name} ${'━'.repeat(Math.max(3, 76 - name.length))}`)));
      for (const text of lines(story)) print(`  ${text}`);
      print();
    },

    /** A name and a value, in a column. */
    fact: (name, value) => print(`  ${dim(name.padEnd(13))} ${value}`),

    /** Who answers at this moment, and how it goes. */
    load: (text) => print(`  ${cyan('≈')} ${cyan(text)}`),

    /** Takes the log of the action piece by piece, and shows it as GitHub's page would. */
    actionLog() {
      const bar = `  ${dim('│')} `;
      return readLog(({ kind, text }) => {
        const shown = text.trimEnd();
        if (kind === 'heading') print(`${bar}${dim('▸')} ${bold(shown)}`);
        else if (kind === 'inside') print(`${bar}    ${dim(shown)}`);
        else if (kind === 'line') print((bar + lineColour(shown)(shown)).trimEnd());
        else lines(text).forEach((one, at) => print(`${bar}${at === 0 ? `${(kind === 'error' ? red : yellow)(marks[kind])} ${kind}: ` : '    '}${one}`));
      });
    },

    /** A text as it is, with a frame at its left. */
    quoted(heading, text) {
      print();
      print(`  ${bold(heading)}`);
      for (const one of lines(text)) print(`  ${dim('┃')} ${one}`.trimEnd());
    },

    /** An expectation. `seen` is shown when it was not met. */
    check(name, met, seen = '') {
      if (met) passed++;
      else failed++;
      print(`  ${met ? green('✓') : red('✗')} ${name}${met || seen === '' ? '' : red(`: saw ${seen}`)}`);
    },

    /** The last line. Gives whether all went well. */
    end() {
      print(`demo: ${passed} passed, ${failed} failed`);
      return failed === 0 && passed > 0;
    },
  };

  function lineColour(text) {
    if (text.startsWith('✓ ')) return green;
    if (text.startsWith('✗ ')) return red;
    return text.startsWith('! ') ? yellow : (same) => same;
  }
}
