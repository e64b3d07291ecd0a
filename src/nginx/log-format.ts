/** How nginx writes what stands in variables: the parameter `escape` of `log_format`. */
export type Escape = 'default' | 'json' | 'none';

/** Where `$status` stands in a line of an access log, as the host can find it. */
export interface StatusPlace {
  /** With `json`, a backslash and what follows it belong to a variable and are taken out first. */
  escape: Escape;
  /** Which field it is, from 1, when the line is cut at `"` and at tabs. */
  field: number;
  /** How many fields a line of this format has. */
  fields: number;
  /** On which side of it, within the field, stands what `beside` matches. */
  side: 'left' | 'right';
  /** A regular expression of awk, anchored at the field's beginning or end; empty when nothing stands there. */
  beside: string;
}

/** nginx's own `combined` (ngx_http_log_module). */
export const COMBINED = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';

type Piece = { text: string } | { variable: string };

/**
 * Variables that hold nothing but a few kinds of characters, whatever a visitor sends: what a bracket expression of theirs holds. `-` is
 * there where nginx writes it in place of nothing.
 */
const SHAPES: Record<string, string> = {
  ...shape('0-9', 'status body_bytes_sent bytes_sent request_length connection connection_requests pid server_port remote_port realip_remote_port'),
  ...shape('0-9.', 'msec request_time connection_time nginx_version'),
  ...shape('0-9., :-', 'upstream_status upstream_response_time upstream_connect_time upstream_header_time upstream_response_length upstream_bytes_received upstream_bytes_sent'),
  ...shape('0-9A-Za-z.:', 'remote_addr server_addr realip_remote_addr'),
  ...shape('0-9A-Za-z/+ :-', 'time_local'),
  ...shape('0-9T+:-', 'time_iso8601'),
  ...shape('0-9a-f', 'request_id'),
  ...shape('A-Za-z0-9./-', 'server_protocol'),
  ...shape('A-Z_-', 'request_method upstream_cache_status'),
  ...shape('a-z', 'scheme'),
  ...shape('a-z-', 'https'),
  ...shape('A-Za-z0-9._-', 'ssl_protocol ssl_cipher'),
  ...shape('0-9.-', 'gzip_ratio'),
  ...shape('OK-', 'request_completion'),
  ...shape('p.', 'pipe'),
};

function shape(holds: string, names: string): Record<string, string> {
  return Object.fromEntries(names.split(' ').map((name) => [name, holds]));
}

/** What no variable can hold: nginx escapes it. */
const CUTS: Record<Escape, RegExp> = { default: /["\t]/, json: /["\t]/, none: /(?!)/ };

/**
 * Finds a place of `$status` that no visitor's text can be mistaken for: between two characters that nginx escapes in variables, and next to
 * nothing but fixed text and variables of a known shape.
 *
 * @param format the strings of `log_format`, joined
 * @returns undefined when the format has no `$status`, or none that can be told from what a visitor sends
 */
export function statusPlace(format: string, escape: Escape): StatusPlace | undefined {
  const pieces = parseFormat(format);
  const literal = pieces.map((piece) => ('text' in piece ? piece.text : '')).join('');
  // A line end would make two lines of one; a backslash could be one of nginx's own.
  if (/[\n\r\\]/.test(literal)) return undefined;
  if (escape === 'none' && pieces.some((piece) => 'variable' in piece && !SHAPES[piece.variable])) return undefined;
  const fields = cut(pieces, CUTS[escape]);
  for (const [index, field] of fields.entries()) {
    const at = field.findIndex((piece) => 'variable' in piece && piece.variable === 'status');
    if (at < 0) continue;
    const found = besides(field, at);
    if (found) return { escape, field: index + 1, fields: fields.length, ...found };
  }
  return undefined;
}

/** nginx's rule for names: letters, digits and `_`, in braces or not (ngx_http_log_compile_format). */
function parseFormat(format: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of format.matchAll(/\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))/g)) {
    if (match.index > end) pieces.push({ text: format.slice(end, match.index) });
    pieces.push({ variable: match[1] ?? match[2] ?? '' });
    end = match.index + match[0].length;
  }
  if (end < format.length) pieces.push({ text: format.slice(end) });
  return pieces;
}

function cut(pieces: Piece[], at: RegExp): Piece[][] {
  const fields: Piece[][] = [[]];
  for (const piece of pieces) {
    const parts = 'text' in piece ? piece.text.split(at).map((text) => ({ text })) : [piece];
    parts.forEach((part, index) => {
      if (index > 0) fields.push([]);
      if (!('text' in part) || part.text) fields.at(-1)?.push(part);
    });
  }
  return fields;
}

/** What stands between the field's edge and `$status`, if it can be followed without a doubt. */
function besides(field: Piece[], at: number): Pick<StatusPlace, 'side' | 'beside'> | undefined {
  const left = expressions(field.slice(0, at), 'left');
  if (left) return { side: 'left', beside: left.length ? `^${left.join('')}` : '' };
  const right = expressions(field.slice(at + 1).reverse(), 'right');
  return right && { side: 'right', beside: right.length ? `${right.reverse().join('')}$` : '' };
}

/**
 * The pieces from the edge of a field inwards, as expressions. Each variable ends where the text after it begins: that text must be there,
 * and begin with a character that the variable cannot hold.
 */
function expressions(pieces: Piece[], side: 'left' | 'right'): string[] | undefined {
  const found: string[] = [];
  for (const [index, piece] of pieces.entries()) {
    if ('text' in piece) {
      found.push(literally(piece.text));
      continue;
    }
    const holds = SHAPES[piece.variable];
    const next = pieces[index + 1];
    if (!holds || !next || !('text' in next)) return undefined;
    const edge = side === 'left' ? next.text.charAt(0) : next.text.slice(-1);
    if (new RegExp(`[${holds}]`).test(edge)) return undefined;
    found.push(`[${holds}]*`);
  }
  return found;
}

/** Text as an expression of awk, without a backslash wherever that is possible: awks read them differently. */
function literally(text: string): string {
  return text.replace(/[.[\]()*+?{}|$^]/g, (char) => (char === '^' ? '\\^' : `[${char}]`));
}
