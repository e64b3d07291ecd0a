export const id = 50;
export const ids = [50];
export const modules = {

/***/ 6050:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   s: () => (/* binding */ askOutcome)
/* harmony export */ });
/* harmony import */ var _facts_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9216);
/* harmony import */ var _session_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4270);


/** What a host may take beyond its limits, in milliseconds. */
const AIR_MS = 60_000;
/** Reconciling says a few things; more come from a host that talks without end. */
const MOST_NOTES = 100;
/**
 * Connects again and asks the host what became of a run: waits until it has ended. If it died there, the host is brought in line at once.
 *
 * @throws DeployError when the host cannot be reached
 */
async function askOutcome(settings, door) {
    const connection = await door.connect();
    // It waits for the run, and reconciles at most once.
    const limit = setTimeout(() => connection.close(), (0,_session_js__WEBPACK_IMPORTED_MODULE_1__/* .outcomeWaitMs */ .O)(settings) + 2 * (settings.lockTimeout + settings.stepTimeout) + AIR_MS);
    try {
        const fate = { release: '', held: false, told: false, notes: [] };
        await new Promise((resolve, reject) => {
            (0,_session_js__WEBPACK_IMPORTED_MODULE_1__/* .startSession */ .J)(connection, 'outcome', settings, door.run, {
                message: (message) => {
                    if (message.type === 'ledger')
                        fate.line ??= (0,_facts_js__WEBPACK_IMPORTED_MODULE_0__/* .parsedLine */ .WP)(message.line).find((line) => line.run === door.run.key);
                    if (message.type === 'held')
                        fate.held = true;
                    if (message.type === 'note' && fate.notes.length < MOST_NOTES)
                        fate.notes.push({ level: message.level, text: message.text });
                    if (message.type !== 'end')
                        return;
                    fate.told = true;
                    fate.release = message.release;
                    resolve();
                },
                output: () => { },
            }).then((session) => session.closed.then(() => resolve()), reject);
        });
        return fate;
    }
    finally {
        clearTimeout(limit);
        connection.close();
    }
}


/***/ }),

/***/ 9216:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  jx: () => (/* binding */ otherSlot),
  WP: () => (/* binding */ parsedLine),
  MH: () => (/* binding */ readFacts)
});

// UNUSED EXPORTS: isReleaseId

// EXTERNAL MODULE: external "node:zlib"
var external_node_zlib_ = __webpack_require__(8522);
// EXTERNAL MODULE: ./src/errors.ts
var errors = __webpack_require__(3916);
;// CONCATENATED MODULE: ./src/engine/status-facts.ts
/** @param all the facts by their names */
function readLook(all) {
    const one = (name) => all.get(name)?.[0] ?? '';
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
function slotLook(slot, one) {
    const of = (name) => one(`slot.${slot}.${name}`);
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
function holder(text, words) {
    const [uid = '', ...pids] = text.split(' ').filter(Boolean);
    return { uid, pids: pids.map(Number), text: words };
}
/** Each probe answers with a line; one that names neither slot is not ours. */
function probed(answers, wanted) {
    const lines = new Set(answers.split('\n').map((line) => line.trim()));
    return ['blue', 'green'].filter((slot) => wanted[slot] && lines.has(wanted[slot]));
}
const isSlot = (text) => text === 'blue' || text === 'green';
const wholeNumber = (text) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined);
const statusCode = (text) => (/^[1-9]\d\d$/.test(text) ? Number(text) : undefined);
const numbers = (text) => text.split(' ').filter((word) => /^\d+$/.test(word)).map(Number);

;// CONCATENATED MODULE: ./src/engine/facts.ts



const otherSlot = (slot) => (slot === 'blue' ? 'green' : 'blue');
/** No host has more to tell than this: characters of all facts, and of one but nginx's configuration; how many there are. */
const LARGEST = { all: 32 * 1024 * 1024, one: 4 * 1024 * 1024, count: 50_000 };
/**
 * Reads what the agent's survey sent.
 *
 * @param data the facts as they came: base64 of gzip of `name =text` lines, and of `name +`, lines, the session's mark
 * @throws DeployError when no agent would have sent them
 */
function readFacts(data, mark) {
    const all = factsByName(unpacked(data), mark);
    const one = (name) => all.get(name)?.[0] ?? '';
    const many = (name) => all.get(name) ?? [];
    const liveLink = one('live');
    return {
        user: one('user'),
        root: one('uid') === '0',
        time: one('time'),
        addresses: one('addresses').split(/\s+/).filter(Boolean),
        tools: new Set(one('tools').split(' ').filter(Boolean)),
        ...freeSpace(one('disk')),
        rootState: (one('root') || 'missing'),
        live: liveLink === 'slots/blue' ? 'blue' : liveLink === 'slots/green' ? 'green' : '',
        liveLink,
        intent: one('intent') === 'yes',
        slots: Object.fromEntries(['blue', 'green'].flatMap((slot) => (all.has(`slot.${slot}.release`) ? [[slot, slotFacts(slot, one, liveLink)]] : []))),
        listeners: new Set([...all.keys()].flatMap((name) => (name.startsWith('listener.') ? [Number(name.slice(9))] : []))),
        releases: many('release').flatMap(parsedRelease),
        unfinished: many('unfinished'),
        ledger: one('ledger').split('\n').flatMap(parsedLine),
        wereLive: one('waslive').split('\n').filter(isReleaseId),
        releaseSize: sizeOf(one('size')),
        commit: /^[0-9a-f]{40}$/.exec(one('commit').trim())?.[0] ?? '',
        ancestor: one('ancestor') === 'yes',
        look: readLook(all),
        nginx: {
            command: one('nginx.command'),
            status: Number(one('nginx.status') || 1),
            said: one('nginx.said'),
            dump: one('nginx.dump'),
            version: one('nginx.version'),
            versionBefore: one('nginx.before'),
            running: one('nginx.running') === 'yes',
            files: one('nginx.files').split('\n').filter(Boolean).map((line) => {
                const [path = '', realPath = '', write = '', sum = ''] = line.split('\t');
                return { path, realPath, writable: write === 'yes', sum };
            }),
        },
    };
}
function slotFacts(slot, one, liveLink) {
    return {
        release: one(`slot.${slot}.release`),
        sha: one(`slot.${slot}.sha`),
        port: Number(one(`slot.${slot}.port`)),
        listen: one(`slot.${slot}.listen`) === 'socket' ? 'socket' : 'port',
        supervisor: one(`slot.${slot}.supervisor`),
        alive: one(`slot.${slot}.alive`) === 'yes',
        healthy: one(`slot.${slot}.healthy`) !== '',
        standby: one(`slot.${slot}.standby`) === 'yes' && liveLink !== `slots/${slot}`,
    };
}
/** What was packed small may be huge. */
function unpacked(data) {
    try {
        return (0,external_node_zlib_.gunzipSync)(Buffer.from(data, 'base64'), { maxOutputLength: LARGEST.all }).toString('utf8');
    }
    catch (error) {
        throw unreadable(error instanceof Error ? error.message : String(error));
    }
}
function factsByName(text, mark) {
    const all = new Map();
    let count = 0;
    const add = (name, value) => {
        const values = all.get(name);
        if (++count > LARGEST.count || (value.length > LARGEST.one && name !== 'nginx.dump'))
            throw unreadable('there are too many of them');
        if (values)
            values.push(value);
        else
            all.set(name, [value]);
    };
    // Line by line, not split: there may be millions.
    for (let at = 0; at < text.length;) {
        const next = text.indexOf('\n', at);
        const end = next < 0 ? text.length : next;
        const [, name = '', how, value = ''] = /^(\S{1,100}) ([=+])(.*)$/s.exec(text.slice(at, end)) ?? [];
        at = end + 1;
        if (how === '=')
            add(name, value);
        if (how !== '+')
            continue;
        const close = endOfValue(text, end, mark);
        if (close < 0)
            break;
        add(name, text.slice(at, close));
        at = close + mark.length + 2;
    }
    return all;
}
/** Where the newline before the line stands that is the mark alone; -1 without one. */
function endOfValue(text, from, mark) {
    const close = text.indexOf(`\n${mark}\n`, from);
    if (close >= 0 || !text.endsWith(`\n${mark}`))
        return close;
    return text.length - mark.length - 1 >= from ? text.length - mark.length - 1 : -1;
}
function unreadable(why) {
    return new errors/* DeployError */.s({
        step: 'survey',
        what: 'what the host tells of itself cannot be read',
        next: 'Something stands between the agent and here, or answers in its place: look at the login shell of the user, and at ForceCommand and command= on the host.',
        settings: ['user'],
        details: why,
    });
}
/** @param text free blocks, the size of a block in bytes, free inodes */
function freeSpace(text) {
    const [blocks, size, inodes] = text.split(' ').map(Number);
    if (blocks === undefined || !size)
        return { freeKiB: undefined, freeInodes: undefined };
    return { freeKiB: Math.floor((blocks * size) / 1024), freeInodes: inodes || undefined };
}
/** @param text KiB, inodes */
function sizeOf(text) {
    const [, kib, inodes] = /^(\d{1,15}) (\d{1,15})$/.exec(text) ?? [];
    return kib && inodes ? { kib: Number(kib), inodes: Number(inodes) } : undefined;
}
/** A broken line tells nothing, and harms nothing. */
function parsedLine(line) {
    const found = parsedObject(line);
    if (!found)
        return [];
    const text = (name) => (typeof found[name] === 'string' ? found[name] : '');
    return [
        {
            run: text('run'),
            command: text('command'),
            release: text('release'),
            sha: text('sha'),
            outcome: text('outcome'),
            liveRelease: text('liveRelease'),
            ended: text('ended'),
            actor: text('actor'),
            url: text('url'),
            ms: stepsTime(found.steps),
        },
    ];
}
function stepsTime(steps) {
    const times = Array.isArray(steps) ? steps.map((step) => step?.ms) : [];
    return times.length && times.every((ms) => typeof ms === 'number') ? times.reduce((sum, ms) => sum + ms, 0) : undefined;
}
function parsedRelease(text) {
    const found = parsedObject(text);
    if (!found || typeof found.id !== 'string' || typeof found.sha !== 'string')
        return [];
    return isReleaseId(found.id) && /^[0-9a-f]{40}$/.test(found.sha) ? [{ id: found.id, sha: found.sha, ref: typeof found.ref === 'string' ? found.ref : '', recipe: found.recipe }] : [];
}
function parsedObject(text) {
    try {
        const found = JSON.parse(text);
        return typeof found === 'object' && found !== null ? found : undefined;
    }
    catch {
        return undefined;
    }
}
function isReleaseId(text) {
    return /^\d{8}T\d{6}Z-[0-9a-f]{7,40}$/.test(text);
}


/***/ }),

/***/ 4270:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  O: () => (/* binding */ outcomeWaitMs),
  J: () => (/* binding */ startSession)
});

// EXTERNAL MODULE: ./src/host/lease.ts
var lease = __webpack_require__(3572);
// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
;// CONCATENATED MODULE: ./src/host/protocol.ts

/** The longest lines of the agent that are waited for, in characters: the facts have the whole nginx configuration in them. */
const LONGEST_FACTS = 16 * 1024 * 1024;
const LONGEST_MESSAGE = 1024 * 1024;
/** A word that no output can guess; the agent begins each of its lines with it. */
function newMark() {
    return `bluegreen-${(0,external_node_crypto_.randomBytes)(12).toString('hex')}`;
}
/**
 * Takes the agent's standard output apart into its messages and the output of what it runs. Keeps no more than
 * one unfinished message, whatever comes.
 */
class AgentReader {
    onMessage;
    onOutput;
    opening;
    /** The end of the output that may be the beginning of a message. */
    pending = '';
    /** An unfinished message, in the pieces in which it came: to join them each time would take the square of its length. */
    pieces;
    length = 0;
    constructor(mark, onMessage, onOutput) {
        this.onMessage = onMessage;
        this.onOutput = onOutput;
        this.opening = `\n${mark} `;
    }
    /** @throws Error when the agent sends what it never would */
    push(text) {
        let rest = this.pending + text;
        this.pending = '';
        for (;;) {
            if (this.pieces) {
                const end = rest.indexOf('\n');
                this.collect(this.pieces, end < 0 ? rest : rest.slice(0, end));
                if (end < 0)
                    return;
                const message = parseMessage(this.pieces.join(''));
                this.pieces = undefined;
                rest = rest.slice(end + 1);
                if (message)
                    this.onMessage(message);
            }
            const at = rest.indexOf(this.opening);
            if (at < 0)
                break;
            this.output(rest.slice(0, at));
            rest = rest.slice(at + this.opening.length);
            this.pieces = [];
            this.length = 0;
        }
        const held = this.heldBack(rest);
        this.output(rest.slice(0, rest.length - held));
        this.pending = rest.slice(rest.length - held);
    }
    /** The stream has ended: what was held back is output after all. A message that was cut off tells nothing. */
    end() {
        this.output(this.pending);
        this.pending = '';
        this.pieces = undefined;
    }
    collect(pieces, text) {
        if (text)
            pieces.push(text);
        this.length += text.length;
        if (this.length <= LONGEST_MESSAGE)
            return;
        // Its first word may have come in pieces, none of them empty.
        const isFacts = pieces.slice(0, 'facts '.length).join('').startsWith('facts ');
        if (!isFacts || this.length > LONGEST_FACTS)
            throw new Error('the agent sent a message without an end');
    }
    output(text) {
        if (text)
            this.onOutput(text);
    }
    /** How many characters at the end may be the beginning of a message. */
    heldBack(text) {
        for (let length = Math.min(this.opening.length - 1, text.length); length > 0; length--) {
            if (this.opening.startsWith(text.slice(-length)))
                return length;
        }
        return 0;
    }
}
/** A message, or nothing for a line that no agent of this version writes. */
function parseMessage(line) {
    const [type, ...words] = line.split(' ');
    const [first = '', second = '', third = '', fourth = ''] = words;
    switch (type) {
        case 'begin':
        case 'alive':
        case 'held':
            return { type };
        case 'step-start':
            return /^[a-z-]{1,40}$/.test(first) ? { type, step: first } : undefined;
        case 'step-end':
            if (!isHow(second) || !/^\d{1,3}$/.test(third) || !/^\d{1,12}$/.test(fourth))
                return undefined;
            return { type, step: first, how: second, status: Number(third), ms: Number(fourth) };
        case 'note':
            return isLevel(first) ? { type, level: first, text: words.slice(1).join(' ') } : undefined;
        case 'note64':
            return isLevel(first) ? { type: 'note', level: first, text: decode(second) } : undefined;
        case 'problem':
            return { type, what: brief(decode(first)), next: brief(decode(second)), settings: decode(third).split(' ').filter(isSettingName).slice(0, 20), details: decode(fourth) };
        case 'log':
            return { type, text: decode(first) };
        case 'facts':
            return { type, data: first };
        case 'ledger':
            return { type, line: decode(first) };
        case 'end':
            return isResult(first) ? { type, result: first, live: /^(blue|green)$/.test(second) ? second : '', release: /^[\w.-]{1,80}$/.test(third) ? third : '' } : undefined;
        default:
            return undefined;
    }
}
/** A dot stands for the empty text, so that words stay countable. */
function decode(word) {
    return word === '.' ? '' : Buffer.from(word, 'base64').toString('utf8');
}
/** A line that says nothing but that somebody is there. */
const BEAT = 'beat\n';
/** One request to the agent: a line. */
function request(word, text) {
    return `${word} ${Buffer.from(text, 'utf8').toString('base64')}\n`;
}
/** Sentences, as an annotation can hold them. */
function brief(text) {
    return text.length > 8000 ? `${text.slice(0, 8000)}…` : text;
}
function isSettingName(word) {
    return /^[a-z][a-z-]{0,30}$/.test(word);
}
function isHow(word) {
    return ['ok', 'warned', 'failed', 'aborted'].includes(word);
}
function isLevel(word) {
    return ['notice', 'warning', 'failure'].includes(word);
}
function isResult(word) {
    return ['success', 'failed', 'aborted', 'skipped', 'looked'].includes(word);
}

// EXTERNAL MODULE: ./src/host/quote.ts
var quote = __webpack_require__(282);
// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
// EXTERNAL MODULE: external "node:zlib"
var external_node_zlib_ = __webpack_require__(8522);
;// CONCATENATED MODULE: ./src/engine/agent-text.ts



// Written out one by one: the bundler copies a file only when it is named like this.
const files = [
    __webpack_require__.ab + "base.sh",
    __webpack_require__.ab + "net.sh",
    __webpack_require__.ab + "line.sh",
    __webpack_require__.ab + "root.sh",
    __webpack_require__.ab + "step.sh",
    __webpack_require__.ab + "ledger.sh",
    __webpack_require__.ab + "agent.sh",
    __webpack_require__.ab + "nginx.sh",
    __webpack_require__.ab + "error-log.sh",
    __webpack_require__.ab + "searchable.sh",
    __webpack_require__.ab + "follow.sh",
    __webpack_require__.ab + "supervisor.sh",
    __webpack_require__.ab + "reconcile.sh",
    __webpack_require__.ab + "survey.sh",
    __webpack_require__.ab + "git.sh",
    __webpack_require__.ab + "clone.sh",
    __webpack_require__.ab + "commands.sh",
    __webpack_require__.ab + "start.sh",
    __webpack_require__.ab + "health.sh",
    __webpack_require__.ab + "switch.sh",
    __webpack_require__.ab + "bake.sh",
    __webpack_require__.ab + "finish.sh",
];
// For one command alone: a deploy does not carry it.
const more = {
    status: __webpack_require__.ab + "status.sh",
    setup: __webpack_require__.ab + "setup.sh",
};
/** Brought along only where points are asked for. */
const points = __webpack_require__.ab + "points.sh";
/**
 * The agent as one POSIX sh program of functions, without its comments, with what that command needs.
 *
 * @param pointsIn a folder on the host in which a test holds the agent at its points, which are comments otherwise: `# point NAME`
 */
function agentText(command = '', pointsIn = '') {
    const own = more[command];
    const text = [...files, ...(own ? [own] : []), ...(pointsIn ? [points] : [])].map((file) => (0,external_node_fs_.readFileSync)(file, 'utf8')).join('\n');
    const held = pointsIn ? `BG_POINTS=${(0,quote/* quote */.hD)(pointsIn)}\n${text.replace(/^( *)# point (\S+)$/gm, '$1bg_point "$2"')}` : text;
    return held
        .split('\n')
        .filter((line) => !/^\s*(#|$)/.test(line))
        .join('\n');
}
/**
 * How the agent is started: a command for the user's login shell, whichever that is, and the line of standard input
 * that follows at once and holds the agent itself. Nothing is installed, and no limit of a command's length applies.
 */
function agentStart(forCommand = '') {
    const unpack = 'printf %s "$a" | base64 -d | gzip -dc';
    return {
        command: `exec sh -c 'IFS= read -r a && BG_AGENT=$(${unpack}) && unset a && eval "$BG_AGENT" && bg_main'`,
        firstLine: `${(0,external_node_zlib_.gzipSync)(agentText(forCommand, process.env.BLUEGREEN_POINTS), { level: 9 }).toString('base64')}\n`,
    };
}

;// CONCATENATED MODULE: ./src/engine/session.ts




/** What a login may print before the agent's first word, in characters: more is no greeting. */
const LONGEST_GREETING = 1024 * 1024;
/** The last words on standard error that are kept, in characters. */
const KEPT = 8 * 1024;
/** How long the host waits for the end of a run that is asked for, in milliseconds: what it may still do after its last step, and some air. */
const outcomeWaitMs = ({ lease, drainTimeout, stopTimeout }) => lease + drainTimeout + stopTimeout + 60_000;
/** Starts the agent with one exec; the first request goes along at once. */
async function startSession(connection, asked, settings, run, handlers) {
    const { command, firstLine } = agentStart(asked === 'outcome' ? '' : settings.command);
    const mark = newMark();
    const channel = await connection.exec(command);
    channel.stdin.write(firstLine + firstRequest(asked, mark, settings, run));
    let broken;
    readOutput(channel, mark, handlers, (why) => {
        broken = why;
        // It may go on for ever.
        connection.close();
    });
    let said = '';
    channel.stderr.setEncoding('utf8');
    channel.stderr.on('data', (text) => (said = (said + text).slice(-KEPT)));
    const beats = setInterval(() => channel.stdin.write(BEAT), (0,lease/* beatMs */.x6)(settings.lease));
    const silence = setTimeout(() => connection.close(), (0,lease/* silenceMs */.qq)(settings.lease));
    channel.stdout.on('data', () => silence.refresh());
    void channel.closed.then(() => {
        clearInterval(beats);
        clearTimeout(silence);
    });
    return {
        mark,
        plan: (script) => void channel.stdin.write(request('plan', script)),
        abort: () => void channel.stdin.write('abort\n'),
        closed: channel.closed.then(({ code, signal }) => ({ code, signal, said, broken })),
    };
}
function readOutput(channel, mark, handlers, broke) {
    // Undefined once the agent has spoken.
    let greeting = 0;
    const heard = (message) => {
        greeting = undefined;
        handlers.message(message);
    };
    const reader = new AgentReader(mark, heard, (text) => {
        if (greeting !== undefined && (greeting += text.length) > LONGEST_GREETING)
            throw new Error('something else than the agent talks without end');
        handlers.output(text);
    });
    channel.stdout.setEncoding('utf8');
    channel.stdout.on('data', (text) => {
        try {
            reader.push(text);
        }
        catch (error) {
            // Not our agent: nothing more is listened to, and its end without a last word is a failure.
            channel.stdout.removeAllListeners('data').resume();
            broke(error instanceof Error ? error.message : String(error));
        }
    });
    channel.stdout.on('end', () => reader.end());
}
function firstRequest(asked, mark, settings, run) {
    const who = [settings.command, `of ${settings.ref.slice(0, 40) || 'a release'}`, run.actor && `by ${run.actor}`, run.url].filter(Boolean).join(' ');
    const wanted = (0,quote/* assignments */.TT)({
        BG_MARK: mark,
        BG_COMMAND: asked,
        BG_RUN: run.key,
        BG_HOLDER: who.replace(/[^\x20-\x7e]/g, '?'),
        BG_APP: settings.app,
        BG_ROOT: settings.root,
        BG_PORTS: settings.ports.join(' '),
        BG_REPOSITORY: settings.repository,
        BG_REF: ['rollback', 'status', 'setup'].includes(settings.command) ? '' : settings.ref,
        BG_NG_COMMAND: settings.nginxCommand,
        BG_LOCK_TIMEOUT: (0,quote/* seconds */.YA)(settings.lockTimeout),
        BG_STEP_TIMEOUT: (0,quote/* seconds */.YA)(settings.stepTimeout),
        BG_LEASE: (0,quote/* seconds */.YA)(settings.lease),
        BG_OUTCOME_WAIT: (0,quote/* seconds */.YA)(outcomeWaitMs(settings)),
    });
    return [
        request('request', wanted),
        request('token', (0,quote/* assignments */.TT)({ BG_TOKEN: settings.repositoryToken })),
        request('env', (0,quote/* assignments */.TT)({ BG_ENV: (0,quote/* exports */.Ab)(settings.env) })),
        'go\n',
    ].join('');
}


/***/ }),

/***/ 282:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Ab: () => (/* binding */ exports),
/* harmony export */   TT: () => (/* binding */ assignments),
/* harmony export */   YA: () => (/* binding */ seconds),
/* harmony export */   hD: () => (/* binding */ quote)
/* harmony export */ });
/**
 * Text as one word of a POSIX shell: the only way by which text from settings reaches a shell.
 *
 * @throws RangeError for NUL, which no shell can hold (settings refuse it long before)
 */
function quote(text) {
    if (text.includes('\0'))
        throw new RangeError('a shell word cannot hold NUL');
    return `'${text.replaceAll("'", "'\\''")}'`;
}
/** Shell assignments, one per line. Names are ours; values may be any text. */
function assignments(values) {
    return Object.entries(values)
        .map(([name, value]) => {
        if (!/^[A-Z][A-Z0-9_]*$/.test(name))
            throw new RangeError(`not a name of a shell variable: ${name}`);
        return `${name}=${typeof value === 'number' || /^[A-Za-z0-9._/:-]+$/.test(value) ? value : quote(value)}\n`;
    })
        .join('');
}
/** The names and values as text that exports them, one after the other. */
function exports(values) {
    return values.map(({ name, value }) => `export ${name}=${quote(value)}\n`).join('');
}
/** A time in milliseconds as whole seconds, at least one unless it is zero: what the shell's arithmetic takes. */
function seconds(ms) {
    return ms === 0 ? 0 : Math.max(1, Math.ceil(ms / 1000));
}


/***/ })

};
