/** A piece of a file. Text holds one character for each byte, so that any bytes can stand in it. */
export interface Piece {
  text: string;
  /** What nginx makes of a server line of the app's upstream; undefined for all other text. */
  words?: string[];
}

export interface RandomConfig {
  /** The main file first, then each one that it includes. */
  files: Map<string, Piece[]>;
  /** What was broken on purpose; empty for a configuration that nginx should take. */
  broken: string;
}

type Random = (below: number) => number;

export interface RandomOptions {
  /** The folder of the main file. */
  folder: string;
  /** Lines for the main file and for the http block, which a real nginx needs. */
  main?: string;
  http?: string;
  /** Also what an nginx without more modules refuses: Lua, stream. */
  modules: boolean;
}

const bytes = (text: string): string => Buffer.from(text).toString('latin1');

/** Text that looks like something else, for comments and strings. */
const LOOKALIKES = [
  'upstream shop { server 127.0.0.1:9501; }', 'server 127.0.0.1:9501;', 'server 127.0.0.1:9502 down;', '}', '{', 'x', '', 'a; b; c', '9501', ' down', '# #',
  'proxy_pass http://shop;', 'proxy_pass http://127.0.0.1:9501;', 'include nowhere.conf;', bytes('café \u2028 \u{1F600}'), 'caf\xe9 \xff\xfe', '$host ${a} $', 'it is 100%', '& \\& \\n', '\\',
];
/** What may stand in a comment alone. */
const COMMENTS = [...LOOKALIKES, "it's", '"', `"' {`, '\\', '\f\v', '\t'];

/** A seeded configuration with the app `shop`, ports 9501 and 9502, in one or several files. */
export function randomConfig(random: Random, options: RandomOptions): RandomConfig {
  return new Maker(random, options).make();
}

/** One file's text as a string of bytes. */
export const textOf = (pieces: Piece[]): string => pieces.map(({ text }) => text).join('');

class Maker {
  private readonly files = new Map<string, Piece[]>();
  private eol = '\n';
  private indent = '    ';
  private names = 0;
  private ownText = '';
  private broken = '';

  constructor(private readonly random: Random, private readonly options: RandomOptions) {}

  make(): RandomConfig {
    const main = `${this.options.folder}/nginx.conf`;
    this.files.set(main, []);
    this.style();
    const [eol, indent] = [this.eol, this.indent];
    if (this.chance(12)) this.broken = this.pick(['no upstream', 'twice', 'no end', 'brace', 'quote', 'missing', 'two files', 'no slot']);
    const http = this.blockOf('http', [...(this.options.http ? [[{ text: this.options.http }]] : []), ...this.httpParts()]);
    [this.eol, this.indent] = [eol, indent];
    const text = [
      ...this.plain(this.options.main ?? ''),
      ...this.plain(this.chance(4) ? this.comment() : ''),
      ...this.plain(this.pick(['events {}', `events { worker_connections 64; }`, `events {${eol}}`]) + this.pick([eol, eol, ' ', `${eol}${eol}`])),
      ...(this.options.modules && this.chance(6) ? this.plain(this.stream()) : []),
      ...http,
    ];
    this.files.set(main, this.ended(text));
    if (this.broken === 'no end') this.ending(main);
    return { files: this.files, broken: this.broken };
  }

  private chance(of: number): boolean {
    return this.random(of) === 0;
  }

  private pick<T>(from: T[]): T {
    return from[this.random(from.length)] as T;
  }

  private some<T>(from: T[], most: number): T[] {
    return Array.from({ length: this.random(most + 1) }, () => this.pick(from));
  }

  private plain = (text: string): Piece[] => (text ? [{ text }] : []);

  private style(): void {
    this.eol = this.pick(['\n', '\n', '\r\n']);
    this.indent = this.pick(['    ', '  ', '\t', '']);
  }

  /** A file's end: with a line feed, without one, with empty lines. */
  private ended(pieces: Piece[]): Piece[] {
    return [...pieces, ...this.plain(this.pick(['', this.eol, this.eol, `${this.eol}${this.eol}`, `${this.eol}  `, `${this.eol}# end`]))];
  }

  private comment(): string {
    const text = this.chance(40) ? 'long '.repeat(100 + this.random(600)) : this.pick(COMMENTS);
    return `#${this.pick(['', ' '])}${text}${this.eol}`;
  }

  /** White space between words, now and then with a comment in it, which nginx takes for white space. */
  private gap(): string {
    if (!this.chance(14)) return this.pick([' ', ' ', ' ', '  ', '\t', `${this.eol}${this.indent}`]);
    return ` ${this.comment()}${this.pick(['', this.indent])}`;
  }

  private word(text: string): string {
    if (!this.chance(6) || text.includes('"') || text.includes("'")) return text;
    const quote = this.pick(['"', "'"]);
    return `${quote}${text}${quote}`;
  }

  private directive(...words: string[]): string {
    const [name = '', ...rest] = words;
    return `${name}${rest.map((word) => `${this.gap()}${this.word(word)}`).join('')}${this.chance(10) ? this.gap() : ''};`;
  }

  private blockOf(head: string, parts: Piece[][]): Piece[] {
    const oneLine = this.chance(6);
    const [eol, indent] = [this.eol, this.indent];
    const open = `${head}${this.pick([' ', ' ', '', `${eol}`])}{`;
    const pieces = parts.flatMap((part): Piece[] => {
      if (oneLine) return [{ text: ' ' }, ...part];
      return [{ text: `${eol}${indent}` }, ...(this.chance(8) ? [{ text: this.comment() + indent }] : []), ...part, ...(this.chance(10) ? [{ text: ` ${this.comment().trimEnd()}` }] : [])];
    });
    return [{ text: open }, ...pieces, { text: oneLine ? ' }' : `${eol}}` }];
  }

  /** What is made within gets a file of its own, which an include leads to. */
  private inFile(make: () => Piece[], folder = 'conf.d'): Piece[] {
    const name = `${folder}/${this.pick(['a', 'site', 'x y', 'shop'])}${++this.names}.conf`;
    const style = [this.eol, this.indent] as const;
    this.style();
    // In the order in which nginx loads them.
    const path = `${this.options.folder}/${name}`;
    this.files.set(path, []);
    this.files.set(path, this.ended(make()));
    [this.eol, this.indent] = style;
    const written = this.chance(3) ? path : name;
    return this.plain(`include ${/[ ]/.test(written) ? `"${written}"` : written};`);
  }

  private httpParts(): Piece[][] {
    const own = this.own();
    const parts: Piece[][] = [];
    if (this.broken !== 'no upstream') parts.push(own);
    if (this.broken === 'twice') parts.push(this.plain('upstream SHOP { server 127.0.0.1:9600; }'));
    if (this.broken === 'missing') parts.push(this.plain('include not-there.conf;'));
    if (this.broken === 'brace') parts.push(this.plain('server { listen 80 }'));
    if (this.broken === 'quote') parts.push(this.plain(`log_format broken "never closed;${this.eol}`));
    for (const make of this.some([() => this.otherUpstream(), () => this.map(), () => this.logFormat(), () => this.geo(), () => this.header(), () => this.copy(), () => this.long()], 5)) {
      parts.push(this.plain(make()));
    }
    if (this.options.modules && this.chance(5)) parts.push(this.plain(this.lua()));
    for (let left = 1 + this.random(3); left > 0; left--) {
      const server = () => this.server();
      parts.push(this.chance(3) ? this.inFile(server, 'sites-enabled') : server());
    }
    // The upstream may come last: nginx looks names up at the end.
    if (this.chance(3)) parts.push(parts.shift() ?? []);
    return parts;
  }

  private own(): Piece[] {
    if (this.chance(4)) return this.inFile(() => this.ownBlock());
    return this.ownBlock();
  }

  private ownBlock(): Piece[] {
    const head = `upstream${this.gap()}${this.word('shop')}`;
    const lines = this.broken === 'no slot' ? [this.plain('server 127.0.0.1:9600;')] : this.ownLines();
    const parts: Piece[][] = this.broken === 'two files' || this.chance(6) ? this.apart(lines) : lines;
    for (const text of this.some(['zone shop 64k;', 'least_conn;', 'ip_hash;'], 1)) if (text !== 'ip_hash;' || !textOf(lines.flat()).includes('backup')) parts.unshift(this.plain(text));
    if (this.chance(4)) parts.push(this.plain(this.directive('keepalive', '8')));
    const block = this.blockOf(head, parts);
    this.ownText = textOf(block);
    return block;
  }

  /** The server lines in a file of their own, or, where that is to be refused, in two. */
  private apart(lines: Piece[][]): Piece[][] {
    const between = (all: Piece[][]) => all.flatMap((line) => [...line, { text: this.pick([this.eol, ' ', `${this.eol}${this.comment()}`]) }]);
    if (this.broken !== 'two files') return [this.inFile(() => between(lines), 'apps')];
    const extra: Piece[] = [{ text: 'server 127.0.0.1:9502 down;' }];
    return [this.inFile(() => between(lines), 'apps'), this.inFile(() => extra, 'apps')];
  }

  private ownLines(): Piece[][] {
    const hosts = ['127.0.0.1', '127.0.0.1', '127.0.0.1', 'localhost', '[::1]', '127.0.0.2'];
    const first = this.pick([9501, 9502]);
    const lines: Piece[][] = [this.serverLine(`${this.pick(hosts)}:${first}`, this.chance(5) ? ['down'] : [])];
    if (this.chance(2)) {
      const more = this.pick([['down'], ['down'], ['backup'], ['backup', 'down'], []]);
      lines.push(this.serverLine(`${this.pick(hosts)}:${9501 + 9502 - first}`, more));
    }
    if (this.chance(6)) lines.push(this.serverLine(`[::1]:${first}`, []));
    for (const address of this.some(['10.0.0.9:9501', 'unix:/run/x:9501', '127.0.0.1:9600', '10.0.0.9'], 1)) lines.push(this.serverLine(address, []));
    // nginx needs one line at least that is no backup.
    return this.chance(4) ? [...lines].reverse() : lines;
  }

  private serverLine(address: string, extra: string[]): Piece[] {
    const parameters = this.some(['weight=2', 'max_fails=0', 'fail_timeout=5s', 'max_conns=100', 'fail_timeout=9501'], 2);
    const words = this.chance(3) ? [...extra, ...parameters] : [...parameters, ...extra];
    const text = this.directive('server', address, ...words);
    return [{ text, words: ['server', address, ...words] }];
  }

  private otherUpstream(): string {
    const name = this.pick(['shop2', 'shop-old', 'other', 'shop.example.com', 'hop']) + ++this.names;
    return this.text(`upstream ${name}`, [this.directive('server', this.pick(['127.0.0.1:9600', '10.0.0.9:9501', '127.0.0.1:19501'])), ...this.some(['server 127.0.0.1:9603 down;', '# server 127.0.0.1:9501;\n', this.comment()], 2)]);
  }

  private text(head: string, lines: string[]): string {
    return textOf(this.blockOf(head, lines.map((line) => this.plain(line))));
  }

  private map(): string {
    const lines = this.some(['default x;', '"~^/a(b|c){2}$" 1;', '"~ [a-z]{2};" "a;b{c}";', "'{' '}';", '"server 127.0.0.1:9501;" 0;', 'hostnames;', `~*\\.(jpg|png)$ 9501;`, '"\\"" x;'], 4);
    return this.text(`map $uri $m${++this.names}`, [...new Set(lines)]);
  }

  private geo(): string {
    return this.text(`geo $g${++this.names}`, ['default 0;', ...new Set(this.some(['127.0.0.1 1;', '10.0.0.0/8 "a { b";', '192.168.0.0/16 9501;'], 3))]);
  }

  private logFormat(): string {
    const parts = this.some([`'$remote_addr - "$request" '`, `"$status ${'{'}"`, `'it is # no comment'`, `"\\"$http_referer\\""`, `'${this.pick(LOOKALIKES.filter((one) => !/[$'\\]/.test(one)))}'`], 5);
    return `log_format f${++this.names} ${parts.join(this.gap()) || 'x'};`;
  }

  private header(): string {
    const value = this.pick(LOOKALIKES.filter((one) => !/[$\\"]/.test(one)));
    return `add_header X-A "${value}";`;
  }

  /** A string that holds the app's upstream as it is written: whole lines that are not to be taken for it. */
  private copy(): string {
    if (!this.ownText || /["$\\]/.test(this.ownText) || this.ownText.length > 2000) return this.header();
    return `add_header X-Copy "${this.pick(['', this.eol])}${this.ownText}${this.pick(['', this.eol])}";`;
  }

  /** A line longer than any buffer; nginx takes it, as long as each of its words is short. */
  private long(): string {
    return this.chance(4) ? 'add_header X-Long "9501;"; '.repeat(100 + this.random(2000)) : this.header();
  }

  private server(): Piece[] {
    const lines: string[] = [this.directive('listen', `127.0.0.1:${18_000 + this.random(50)}`), this.directive('server_name', this.pick(['shop.example.com', '_', '""', '~^(?<n>.+)\\.example\\.com$']), ...(this.chance(3) ? ['www.example.com'] : []))];
    for (const make of this.some([() => this.comment().trimEnd() + this.eol, () => `set $v${++this.names} ${this.pick(['"a{b}c"', "'9501'", '"$host:9501"', 'x'])};`, () => this.header(), () => this.location(), () => this.condition()], 4)) lines.push(make());
    lines.push(this.text(`location ${this.pick(['/', '= /', '^~ /a', '/healthz'])}`, this.passes()));
    return this.blockOf('server', lines.map((line) => this.plain(line)));
  }

  private passes(): string[] {
    const pass = this.directive('proxy_pass', this.pick(['http://shop', 'http://shop', 'http://shop', 'http://127.0.0.1:9600', 'http://shop/x', 'http://SHOP']));
    return [...this.some(['proxy_set_header Host $host;', this.comment(), `proxy_set_header X "${this.pick(['a;b', '{', '}', "it's"])}";`], 2), pass];
  }

  private location(): string {
    const n = ++this.names;
    const how = this.pick([`~ "^/a${n}(b|c){1}$"`, `~* "\\.(php|x${n}){1,2}$"`, `= /b${n}`, `~ "^/d{2};${n}"`, `@named${n}`]);
    return this.text(`location ${how}`, [this.pick(['return 200 "server 127.0.0.1:9501;";', 'return 204;', 'return 301 https://$host$request_uri;', "return 200 'it is {';"])]);
  }

  private condition(): string {
    return this.text(`if (${this.pick(['$host = "a b"', '$request_uri ~ "^/x{2}$"', '-f /nowhere', '$http_cookie ~* "a;b"'])})`, [`set $i${++this.names} "${this.pick(['}', '{', ';'])}";`]);
  }

  private lua(): string {
    const copy = this.ownText && !this.ownText.includes(']]') ? this.ownText : 'x';
    return this.pick([
      `init_by_lua_block { local a = "}" -- it's }${this.eol} local b = { c = '{' } }`,
      `init_by_lua_block {${this.eol} local a = [[${this.eol}${copy}${this.eol}]]${this.eol}}`,
      `init_by_lua_block { --[[ } ${copy} ]] local x = [==[ ]] } ]==] }`,
    ]);
  }

  private stream(): string {
    return this.text('stream', ['upstream tcp { server 127.0.0.1:9700; }', ...this.some([this.text('server', ['listen 127.0.0.1:18100;', 'proxy_pass tcp;']), this.comment()], 2)]) + this.eol;
  }

  /** Cuts the end of a file off: a block of it is never closed. */
  private ending(path: string): void {
    const pieces = this.files.get(path) ?? [];
    const text = textOf(pieces);
    const brace = text.lastIndexOf('}');
    this.files.set(path, [{ text: text.slice(0, brace) + text.slice(brace + 1).replace(/#[^\n]*/, '') }]);
  }
}
