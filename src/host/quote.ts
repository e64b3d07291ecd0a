/**
 * Text as one word of a POSIX shell: the only way by which text from settings reaches a shell.
 *
 * @throws RangeError for NUL, which no shell can hold (settings refuse it long before)
 */
export function quote(text: string): string {
  if (text.includes('\0')) throw new RangeError('a shell word cannot hold NUL');
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Shell assignments, one per line. Names are ours; values may be any text. */
export function assignments(values: Record<string, string | number>): string {
  return Object.entries(values)
    .map(([name, value]) => {
      if (!/^[A-Z][A-Z0-9_]*$/.test(name)) throw new RangeError(`not a name of a shell variable: ${name}`);
      return `${name}=${typeof value === 'number' || /^[A-Za-z0-9._/:-]+$/.test(value) ? value : quote(value)}\n`;
    })
    .join('');
}

/** The names and values as text that exports them, one after the other. */
export function exports(values: readonly { name: string; value: string }[]): string {
  return values.map(({ name, value }) => `export ${name}=${quote(value)}\n`).join('');
}

/** A time in milliseconds as whole seconds, at least one unless it is zero: what the shell's arithmetic takes. */
export function seconds(ms: number): number {
  return ms === 0 ? 0 : Math.max(1, Math.ceil(ms / 1000));
}
