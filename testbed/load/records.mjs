// What the visitors saw, kept small: a line of numbers for each short request; and the figures that come of it.

/** How long the second of a switch is, in milliseconds. */
const secondMs = 1000;
/** What is lost at a cut at the limit is seen this much before the limit at most: clocks differ, and a limit is given in seconds. */
const toleranceMs = 250;
/** The kernel's clock for the times of files and links is behind by up to one of its ticks, which are 10 ms at most. */
const tickMs = 10;
const mostFailures = 100;

/**
 * @typedef {{ at: number, visitor: string, kind: string, what: string, asked: string, version: string, connectionMs: number, answeredBefore: number, nearestSwitchMs?: number }} Failure
 *   `at`: milliseconds since the start; `connectionMs`: the connection's age; `answeredBefore`: requests that had been answered on it;
 *   `nearestSwitchMs`: since the nearest switch, negative before it
 * @typedef {{ at: number, version: string, limitMs?: number }} Switch `at`: as Date.now() gives it, with a fraction; `version`: the new one;
 *   `limitMs`: how long what the old slot still answers may last
 */

export class Records {
  /** @param {number} seconds */
  constructor(seconds) {
    this.begun = performance.now();
    this.used = 0;
    this.room(Math.min(1 << 16, Math.max(1024, seconds * 4096)));
    /** @type {string[]} */
    this.versions = [];
    /** @type {Map<string, number>} */
    this.numberOf = new Map();
    this.answersOf = [];
    /** @type {Failure[]} */
    this.failures = [];
    /** @type {Record<string, number>} */
    this.failedBy = {};
    /** @type {Record<string, { served: number, failed: number }>} */
    this.kinds = {};
    this.cuts = [];
    /** All but the short ones that ended well. @type {{ kind: string, begin: number, end: number, version: string }[]} */
    this.longOnes = [];
    this.switches = [];
    this.last = '';
    Object.assign(this, { served: 0, failed: 0, keepaliveCloses: 0, idleCloses: 0, announcedCloses: 0, connections: 0, echoes: 0 });
  }

  room(size) {
    const grown = (Kind, old) => {
      const array = new Kind(size);
      if (old) array.set(old);
      return array;
    };
    this.begins = grown(Float64Array, this.begins);
    this.lasted = grown(Float32Array, this.lasted);
    this.waits = grown(Float32Array, this.waits);
    this.by = grown(Uint16Array, this.by);
  }

  get ms() {
    return performance.now() - this.begun;
  }

  /** A short request that was answered. @param {number} begin by performance.now() @param {number} ms @param {number} waitMs what it asked for */
  short(begin, ms, waitMs, version) {
    if (this.used === this.begins.length) this.room(this.used * 2);
    const at = this.used++;
    this.begins[at] = begin;
    this.lasted[at] = ms;
    this.waits[at] = waitMs;
    this.by[at] = this.number(version);
  }

  number(version) {
    let number = this.numberOf.get(version);
    if (number === undefined) {
      number = this.versions.push(version) - 1;
      this.numberOf.set(version, number);
      this.answersOf[number] = 0;
    }
    return number;
  }

  /** @param {string} kind @param {string} version @param {number} begin by performance.now() */
  good(kind, version, begin) {
    if (kind !== 'short') this.longOnes.push({ kind, begin, end: performance.now(), version });
    this.served++;
    (this.kinds[kind] ??= { served: 0, failed: 0 }).served++;
    this.answersOf[this.number(version)]++;
    this.last = version;
  }

  /** @param {string} visitor the kind of visitor @param {{ kind: string, what: string, asked: string, version?: string }} failure @param {import('./connection.mjs').Connection} [connection] */
  bad(visitor, { kind, what, asked, version = '' }, connection) {
    this.failed++;
    (this.kinds[visitor] ??= { served: 0, failed: 0 }).failed++;
    this.failedBy[kind] = (this.failedBy[kind] ?? 0) + 1;
    const connectionMs = connection ? Math.round(performance.now() - connection.openedAt) : 0;
    if (this.failures.length < mostFailures) this.failures.push({ at: Math.round(this.ms), visitor, kind, what, asked, version, connectionMs, answeredBefore: connection?.answered ?? 0 });
  }

  /** Something that would have lasted without end was cut; whether that was at a limit is decided when all switches are known. */
  cut(visitor, begin, version, what) {
    this.cuts.push({ visitor, begin, at: performance.now(), version, what });
  }

  /** @param {Switch} one */
  switched({ at, version, limitMs = 0 }) {
    // Date.now() and performance.now() drift apart in a long run: they are compared now.
    this.switches.push({ at: performance.now() - (Date.now() - at), version, limitMs });
  }

  counts() {
    const versions = Object.fromEntries(this.versions.map((version, number) => [version, this.answersOf[number]]).filter(([, count]) => count > 0));
    const { served, failed, keepaliveCloses, idleCloses, announcedCloses, connections, echoes, kinds, failedBy, failures, last } = this;
    return { served, failed, keepaliveCloses, idleCloses, announcedCloses, connections, echoes, kinds, failedBy, failures, versions, last, cutAtLimit: this.cuts.length, ms: Math.round(this.ms) };
  }

  /** The counts at the end, with what is known by then: which cuts were early, near which switch a request failed, and how long things took. */
  end() {
    const switches = [...this.switches].sort((one, other) => one.at - other.at);
    const early = this.cuts.filter((cut) => !switches.some((one) => cut.begin < one.at && cut.at >= one.at + one.limitMs - toleranceMs));
    for (const { visitor, at, begin, version, what } of early) {
      this.bad(visitor, { kind: 'cutEarly', what, asked: `without end, for ${Math.round(at - begin)} ms`, version });
      if (this.failures.length < mostFailures) this.failures.at(-1).at = Math.round(at - this.begun);
    }
    this.cuts = this.cuts.filter((cut) => !early.includes(cut));
    for (const failure of this.failures) {
      const distances = switches.map((one) => failure.at + this.begun - one.at);
      if (distances.length) failure.nearestSwitchMs = Math.round(distances.reduce((best, one) => (Math.abs(one) < Math.abs(best) ? one : best)));
    }
    return { ...this.counts(), figures: this.figures(switches) };
  }

  figures(switches) {
    const [near, far, nearExtra, farExtra] = [[], [], [], []].map(() => ({ values: new Float32Array(this.used), used: 0 }));
    const put = (list, value) => (list.values[list.used++] = value);
    const starts = switches.map(({ at }) => at);
    for (let at = 0; at < this.used; at++) {
      const [begin, ms, extra] = [this.begins[at], this.lasted[at], Math.max(0, this.lasted[at] - this.waits[at])];
      // The last switch before its end.
      const one = starts[lastBefore(starts, begin + ms)];
      const isNear = one !== undefined && begin < one + secondMs;
      put(isNear ? near : far, ms);
      put(isNear ? nearExtra : farExtra, extra);
    }
    return {
      p99SwitchMs: quantile(near, 0.99),
      worstSwitchMs: quantile(near, 1),
      medianSwitchMs: quantile(near, 0.5),
      p99Ms: quantile(far, 0.99),
      worstMs: quantile(far, 1),
      medianMs: quantile(far, 0.5),
      p99SwitchExtraMs: quantile(nearExtra, 0.99),
      p99ExtraMs: quantile(farExtra, 0.99),
      inSwitchSeconds: near.used,
      across: this.across(starts),
      earlyAnswers: this.early(switches),
      ...this.takeOvers(switches),
    };
  }

  /** How many that ended well had begun before a switch and ended after it, by kind. */
  across(starts) {
    /** @type {Record<string, number>} */
    const counts = {};
    for (const { kind, begin, end } of this.longOnes) if (lastBefore(starts, end) > lastBefore(starts, begin)) counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
  }

  /** How many answers a release gave before it was live for the first time, by kind. @param {Switch[]} switches @returns {Record<string, number>} */
  early(switches) {
    const liveFrom = new Map();
    for (const { at, version } of switches) if (!liveFrom.has(version)) liveFrom.set(version, at);
    const counts = {};
    const look = (kind, version, end) => {
      if (end < liveFrom.get(version) - tickMs) counts[kind] = (counts[kind] ?? 0) + 1;
    };
    for (let at = 0; at < this.used; at++) look('short', this.versions[this.by[at]], this.begins[at] + this.lasted[at]);
    for (const { kind, version, end } of this.longOnes) look(kind, version, end);
    return counts;
  }

  /** For each switch: when the first answer of the new release came, and until when requests that began after it were still answered by another.
   * `staleAnswers` leaves out the first milliseconds, in which the switch may not have been yet. */
  takeOvers(switches) {
    const first = switches.map(() => Infinity);
    const stale = switches.map(() => 0);
    let staleAnswers = 0;
    const numbers = switches.map(({ version }) => this.numberOf.get(version));
    const starts = switches.map(({ at }) => at);
    for (let at = 0; at < this.used; at++) {
      const [begin, end] = [this.begins[at], this.begins[at] + this.lasted[at]];
      const ended = lastBefore(starts, end);
      if (ended >= 0 && this.by[at] === numbers[ended]) first[ended] = Math.min(first[ended], end - starts[ended]);
      const began = lastBefore(starts, begin);
      if (began >= 0 && began === ended && this.by[at] !== numbers[began] && begin - starts[began] > tickMs) {
        staleAnswers++;
        stale[began] = Math.max(stale[began], begin - starts[began]);
      }
    }
    return {
      firstAnswerMs: first.map((ms) => (ms === Infinity ? null : round(ms))),
      staleAnswers,
      staleMs: round(Math.max(0, ...stale)),
    };
  }
}

/** The index of the last value that is not behind `moment`; -1 without one. @param {number[]} sorted */
function lastBefore(sorted, moment) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= moment) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function quantile({ values, used }, part) {
  if (!used) return null;
  const sorted = values.subarray(0, used).sort();
  return round(sorted[Math.min(used - 1, Math.ceil(part * used) - 1)]);
}

const round = (value) => Math.round(value * 10) / 10;
