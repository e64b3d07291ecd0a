import type { Slot } from '../nginx/upstream.js';

/** What only `command: status` asks of a slot. */
export interface SlotLook {
  listen: 'port' | 'socket';
  /** The status code of the health check, asked just now; undefined when nobody answered, or nothing runs. */
  health: number | undefined;
  /** Since when it runs, in seconds before the look. */
  seconds: number | undefined;
  memoryKiB: number | undefined;
  /** The app's processes, as far as they are known. */
  pids: number[];
  /** The user id that they run as. */
  uid: string;
  commit: { seconds: number | undefined; author: string; subject: string } | undefined;
}

/** Who listens on a port. */
export interface Holder {
  uid: string;
  /** As far as this user may see them. */
  pids: number[];
  /** In words; empty where it is one of the slots' own processes. */
  text: string;
}

/** What only `command: status` asks of the host; empty with other commands. Source: status.sh. */
export interface Look {
  /** The root is there, but not for this user to look into. */
  closed: boolean;
  /** `live` is there and is no link. */
  liveOther: boolean;
  /** Who has the app's lock, in that run's own words; empty when nobody has. */
  run: string;
  slots: Record<Slot, SlotLook>;
  ports: Map<number, Holder>;
  nginx: {
    mode: 'instant' | 'reload' | undefined;
    /** What was asked through nginx; empty before the first switch. */
    url: string;
    /** The status code of the last answer; undefined when there was none. */
    status: number | undefined;
    /** In how many of three questions a new connection to the slot's port was seen. */
    rounds: Record<Slot, number>;
    /** The slots to which nginx's workers keep connections open. */
    pool: Slot[];
    /** The slots that nginx's probe locations name, each once. */
    probed: Slot[];
  };
}

/** @param all the facts by their names */
export function readLook(all: ReadonlyMap<string, string[]>): Look {
  const one = (name: string): string => all.get(name)?.[0] ?? '';
  const mode = one('nginx.mode');
  const [blue = 0, green = 0] = numbers(one('nginx.rounds'));
  return {
    closed: one('root.closed') === 'yes',
    liveOther: one('live.other') === 'yes',
    run: one('run').trim(),
    slots: { blue: slotLook('blue', one), green: slotLook('green', one) },
    ports: new Map([...all.keys()].flatMap((name) => (/^port\.\d+$/.test(name) && one(name) ? [[Number(name.slice(5)), holder(one(name), one(`${name}.text`))]] : []))),
    nginx: {
      mode: mode === 'instant' || mode === 'reload' ? mode : undefined,
      url: one('nginx.url'),
      status: statusCode(one('nginx.asked')),
      rounds: { blue, green },
      pool: one('nginx.pool').split(' ').filter(isSlot),
      probed: probed(one('nginx.probe'), { blue: one('nginx.probe.blue'), green: one('nginx.probe.green') }),
    },
  };
}

function slotLook(slot: Slot, one: (name: string) => string): SlotLook {
  const of = (name: string): string => one(`slot.${slot}.${name}`);
  const [time = '', author = '', ...subject] = of('commit').split('\n');
  return {
    listen: of('listen') === 'socket' ? 'socket' : 'port',
    health: statusCode(of('health')),
    seconds: wholeNumber(of('seconds')),
    memoryKiB: wholeNumber(of('memory')),
    pids: numbers(of('pids')),
    uid: of('uid'),
    commit: of('commit') ? { seconds: wholeNumber(time), author, subject: subject.join(' ') } : undefined,
  };
}

/** @param text the user id, and process ids after it */
function holder(text: string, words: string): Holder {
  const [uid = '', ...pids] = text.split(' ').filter(Boolean);
  return { uid, pids: pids.map(Number), text: words };
}

/** Each probe answers with a line; one that names neither slot is not ours. */
function probed(answers: string, wanted: Record<Slot, string>): Slot[] {
  const lines = new Set(answers.split('\n').map((line) => line.trim()));
  return (['blue', 'green'] as const).filter((slot) => wanted[slot] && lines.has(wanted[slot]));
}

const isSlot = (text: string): text is Slot => text === 'blue' || text === 'green';

const wholeNumber = (text: string): number | undefined => (/^\d{1,15}$/.test(text) ? Number(text) : undefined);

const statusCode = (text: string): number | undefined => (/^[1-9]\d\d$/.test(text) ? Number(text) : undefined);

const numbers = (text: string): number[] => text.split(' ').filter((word) => /^\d+$/.test(word)).map(Number);
