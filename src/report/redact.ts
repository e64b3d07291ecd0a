const shown = '***';
/** Shorter ones (`1`, `on`) would blank out half of every report and protect nothing. */
const shortestSecret = 4;
const shortestPart = 6;

/** Replaces secrets by `***`. `longest`: the length of the longest form that it looks for. */
export type Redactor = ((text: string) => string) & { readonly longest: number };

/**
 * A function that replaces each secret by `***`, also where it stands in base64 (alone or in a longer text), URL-encoded,
 * escaped for JSON or for a shell, and each of its lines of 6 or more characters, alone or escaped.
 * The runner does the same for the log and the summary; it does not see what is sent to the API.
 */
export function redactor(secrets: string[]): Redactor {
  const forms = [...new Set(secrets.flatMap(formsOf))].sort((a, b) => b.length - a.length);
  const redact = (text: string): string => forms.reduce((rest, form) => (rest.includes(form) ? rest.replaceAll(form, shown) : rest), text);
  return Object.assign(redact, { longest: forms[0]?.length ?? 0 });
}

function formsOf(secret: string): string[] {
  const whole = secret.trim();
  if (whole.length < shortestSecret) return [];
  // A key may have been pasted with `\n` written out.
  const lines = whole.split(/\r?\n|\\n/).map((line) => line.trim());
  const parts = lines.length > 1 ? lines.filter((line) => line.length >= shortestPart && !/^-----(BEGIN|END) /.test(line)) : [];
  return [secret, whole, ...parts, ...parts.flatMap(escapes), ...encodings(secret), ...(secret === whole ? [] : encodings(whole))].filter((form) => form.trim().length >= shortestSecret);
}

function encodings(secret: string): string[] {
  const url = encodeWellFormed(secret);
  const json = JSON.stringify(secret).slice(1, -1);
  return [url, url.replaceAll('%20', '+'), json.replaceAll('/', '\\/'), ...escapes(secret), ...base64Forms(secret)];
}

/** As JSON has it, and as `export` and `set` print it: in single quotes (by hand, by dash), in bash's double quotes, in `$'…'` (and in JavaScript, Python, PHP). */
function escapes(secret: string): string[] {
  const slashed = secret.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  return [
    JSON.stringify(secret).slice(1, -1),
    secret.replaceAll("'", "'\\''"),
    secret.replace(/'+/g, `'"$&"'`),
    secret.replace(/[\\"$`]/g, '\\$&'),
    slashed,
    slashed.replaceAll('\n', '\\n').replaceAll('\t', '\\t'),
  ];
}

function encodeWellFormed(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'));
}

/** Base64 of the secret alone, and the part of it that stays the same after one or two bytes before it (`user:secret`). */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const alone = bytes.toString('base64');
  const inside = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const first = Math.ceil((before * 8) / 6);
    return text.slice(first, Math.floor(((before + bytes.length) * 8) / 6));
  });
  const standard = [alone, alone.replace(/=+$/, ''), ...inside].filter((form) => form.length >= shortestPart);
  return [...standard, ...standard.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))];
}
