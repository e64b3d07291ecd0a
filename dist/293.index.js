export const id = 293;
export const ids = [293];
export const modules = {

/***/ 4293:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  execute: () => (/* binding */ execute)
});

// EXTERNAL MODULE: ./src/errors.ts
var errors = __webpack_require__(3916);
// EXTERNAL MODULE: ./src/engine/facts.ts + 1 modules
var engine_facts = __webpack_require__(9216);
// EXTERNAL MODULE: ./src/engine/ask-outcome.ts
var ask_outcome = __webpack_require__(6050);
// EXTERNAL MODULE: ./src/markdown.ts
var markdown = __webpack_require__(3758);
;// CONCATENATED MODULE: ./src/engine/harmless.ts

/** One line that does nothing: without escape sequences, control characters, and what turns the direction of text. */
function harmless(text) {
    return text
        .replace(/\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?/g, '')
        .replace(/\p{Surrogate}/gu, '\ufffd')
        .replace(/[\s\p{Zl}\p{Zp}]+/gu, ' ')
        .replace(/[\p{Cc}\p{Cf}]/gu, '')
        .trim();
}
/** The same for Markdown. */
const escaped = (text) => (0,markdown/* inMarkdown */.H)(harmless(text));

;// CONCATENATED MODULE: ./src/engine/look.ts



/** What reconcile would do on this host, in words: it runs at the start of each deploy and rollback. Nothing while one is under way. */
function reconcileWould(facts) {
    const { live, slots } = facts;
    if (facts.look.run)
        return [];
    if (facts.look.liveOther || (facts.liveLink && !live))
        return ['stop and say that `live` is not a link to slots/blue or slots/green'];
    const acts = [];
    if (facts.intent)
        acts.push(`end a switch that was interrupted: nginx is made to match ${live || 'what it was before'}`);
    const other = live && (0,engine_facts/* otherSlot */.jx)(live);
    if (live && other && slots[live] && !slots[live].alive && slots[other]?.alive && slots[other].healthy) {
        acts.push(`make ${other} live: the live slot ${live} is dead, and ${other} is healthy`);
    }
    else {
        const idle = ['blue', 'green'].filter((slot) => slot !== live && slots[slot]?.alive && !slots[slot].standby);
        acts.push(...idle.map((slot) => `stop the ${slot} slot, which runs without being live`));
    }
    for (const release of facts.unfinished)
        acts.push(`remove the unfinished release ${release}`);
    return acts;
}
/** A plan for people to read: what each step does, its limit, and the script that would run. */
function planMarkdown(plan, facts) {
    const first = reconcileWould(facts);
    const rows = plan.steps.map(({ name, does, limitMs }) => `| ${name} | ${escaped(does)} | ${limitMs / 1000} s |`);
    return [
        plan.skip ? `Nothing would be done: ${escaped(plan.skip)}.` : '',
        first.length ? `Before it, reconcile would:\n${first.map((act) => `- ${escaped(act)}`).join('\n')}` : '',
        rows.length ? ['| step | does | at most |', '| --- | --- | --- |', ...rows].join('\n') : '',
        ...plan.steps.map(({ name, script }) => `<details><summary>${name}</summary>\n\n${(0,markdown/* fenced */.O)(script, 'sh')}\n</details>`),
    ]
        .filter(Boolean)
        .join('\n\n');
}

;// CONCATENATED MODULE: ./src/engine/steps/step.ts
/** Status ranges as the agent takes and as people read them: `200-299 401-401`. */
function rangesText(ranges) {
    return ranges.map(({ from, to }) => `${from}-${to}`).join(' ');
}
/** Where the release listens, for people: `port 9501`, or `socket /srv/shop/slots/blue/app.sock`. */
function whereText({ recipe, listensAt }) {
    return `${recipe.listen} ${listensAt}`;
}

;// CONCATENATED MODULE: ./src/engine/releases.ts

/** The id of a new release: the host's time and the commit. Never one that is there already. */
function newReleaseId(facts, sha) {
    const taken = new Set([...facts.releases.map(({ id }) => id), ...facts.unfinished]);
    let time = parseTime(facts.time);
    for (;;) {
        const id = `${formatTime(time)}-${sha.slice(0, 7)}`;
        if (!taken.has(id))
            return id;
        time += 1000;
    }
}
/** The release that is live now; '' if there is none. */
function liveRelease(facts) {
    return facts.live ? (facts.slots[facts.live]?.release ?? '') : '';
}
/**
 * The release to roll back to: the one that was asked for, or the one that was live before the current one.
 *
 * @throws DeployError when it never was live, is live already, or is not complete on the host
 */
function rollbackTarget(facts, wanted) {
    const current = liveRelease(facts);
    const { wereLive } = facts;
    const complete = new Map(facts.releases.map((release) => [release.id, release]));
    const possible = wereLive.filter((id) => id !== current && complete.has(id));
    const list = possible.length ? `Releases that were live and are still on the host: ${possible.join(', ')}.` : 'No other release that was live is on the host.';
    if (wanted) {
        if (wanted === current)
            throw refusal(`release ${wanted} is live already`, list);
        if (!complete.has(wanted))
            throw refusal(`release ${wanted} is not on the host`, `${list} keep-releases sets how many stay.`);
        if (!wereLive.includes(wanted))
            throw refusal(`release ${wanted} never was live`, `${list} Deploy its commit instead.`);
    }
    // The order in which they first went live: after a rollback, a second one goes further back, not forth again.
    const before = wereLive.slice(0, wereLive.includes(current) ? wereLive.indexOf(current) : undefined).filter((id) => complete.has(id));
    const found = complete.get(wanted || (before.at(-1) ?? ''));
    if (!found)
        throw refusal(current ? `there is no release before ${current} to roll back to` : 'nothing is live', list);
    return found;
}
function refusal(what, next) {
    return new errors/* DeployError */.s({ step: 'survey', what, next, settings: ['release'] });
}
/**
 * Which releases may go. The kept ones stay whatever the number; then the newest that were live fill it up.
 * Those that never were live go first: a failed release never pushes out one to roll back to.
 */
function releasesToPrune(facts, kept, keep) {
    const stay = new Set(kept.filter(Boolean));
    const live = facts.live ? facts.slots[facts.live]?.release : undefined;
    if (live)
        stay.add(live);
    if (!knowsWhatWasLive(facts))
        return [];
    for (const id of goodReleases(facts).reverse())
        if (stay.size < keep && facts.releases.some((release) => release.id === id))
            stay.add(id);
    return facts.releases.map(({ id }) => id).filter((id) => !stay.has(id));
}
/** What was live, oldest first. Releases older than all that the ledger knows are among it: it may have been begun anew since. */
function goodReleases({ releases, wereLive }) {
    const [first = ''] = wereLive;
    const before = releases.map(({ id }) => id).filter((id) => id < first && !wereLive.includes(id));
    return [...before.sort(), ...wereLive];
}
/** Releases that failed: complete, never live, and not what runs. They are of no use to anybody. */
function failedReleases(facts) {
    if (!knowsWhatWasLive(facts))
        return [];
    const used = new Set([...goodReleases(facts), ...Object.values(facts.slots).filter(({ alive, standby }) => alive || standby).map(({ release }) => release)]);
    return facts.releases.map(({ id }) => id).filter((id) => !used.has(id));
}
/** A ledger that was lost or begun anew does not know the live release: then nobody can tell which of the others were good. */
function knowsWhatWasLive(facts) {
    return !facts.live || facts.wereLive.includes(liveRelease(facts));
}
function parseTime(text) {
    const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
    if (!parts)
        throw new errors/* DeployError */.s({ step: 'survey', what: `the host tells no time: ${JSON.stringify(text.slice(0, 40))}`, next: 'Look at what `date -u` says on the host.' });
    const [, year, month, day, hour, minute, second] = parts.map(Number);
    return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
}
function formatTime(time) {
    return new Date(time).toISOString().replace(/[-:]|\.\d+/g, '');
}

;// CONCATENATED MODULE: ./src/engine/checks.ts


/** What every run needs on the host; curl or wget do alike. */
const TOOLS = ['git', 'flock', 'setsid', 'awk', 'sed'];
/** What a deploy needs beside the release itself, in KiB and in inodes: git's objects, logs, and what the app writes. */
const MARGIN = { kib: 50 * 1024, inodes: 5000 };
/** A rollback writes a few small files. */
const FOR_ROLLBACK = { kib: 1024, inodes: 100 };
/** @throws DeployError when the host lacks what a deploy needs */
function checkHost(settings, facts) {
    const missing = TOOLS.filter((tool) => !facts.tools.has(tool));
    if (!facts.tools.has('curl') && settings.listen === 'socket')
        missing.push('curl (wget cannot ask a Unix socket)');
    else if (!facts.tools.has('curl') && !facts.tools.has('wget'))
        missing.push('curl (or wget)');
    if (missing.length) {
        throw new errors/* DeployError */.s({
            step: 'survey',
            what: `the host lacks ${missing.join(', ')}`,
            next: 'Install it (flock and setsid are in util-linux). Programs outside the usual folders have to be in the PATH of a login without a terminal.',
            settings: [],
        });
    }
    checkSpace(settings, facts);
}
/** Better not begun than given up in the middle: what the last release took, a tenth more, and the margin. */
function checkSpace({ command, root }, facts) {
    const { freeKiB, freeInodes, releaseSize } = facts;
    const grown = (size = 0) => Math.ceil(size * 1.1);
    // What failed is removed before anything is fetched.
    const freed = command === 'rollback' ? 0 : failedReleases(facts).length;
    const need = command === 'rollback' ? FOR_ROLLBACK : { kib: grown(releaseSize?.kib) + MARGIN.kib, inodes: grown(releaseSize?.inodes) + MARGIN.inodes };
    const enough = (free, size, needed) => (free ?? needed) + freed * (size ?? 0) >= needed;
    if (enough(freeKiB, releaseSize?.kib, need.kib) && enough(freeInodes, releaseSize?.inodes, need.inodes))
        return;
    const last = command !== 'rollback' && releaseSize ? `; the last release took ${mebibytes(releaseSize.kib)} and ${releaseSize.inodes} inodes` : '';
    throw new errors/* DeployError */.s({
        step: 'survey',
        what: `the disk of ${root} is too full: a ${command} needs ${mebibytes(need.kib)} and ${need.inodes} inodes, ${freeKiB === undefined ? 'enough' : mebibytes(freeKiB)} and ${freeInodes ?? 'enough'} are free${last}`,
        next: 'Make room on the host, then run it again; nothing was changed. keep-releases sets how many releases stay.',
        settings: ['keep-releases', 'root'],
    });
}
const mebibytes = (kib) => `${Math.floor(kib / 1024)} MiB`;
/**
 * `live` and nginx have to agree. What a person changed by hand is not guessed at.
 *
 * @throws DeployError when they do not
 */
function checkDrift(settings, facts, nginx) {
    // Where nginx follows `live` they cannot differ on disk; what runs is asked by the probe.
    const { serving } = nginx;
    if (!nginx.edit || !facts.live || serving === facts.live)
        return;
    const { file, line } = nginx.edit;
    const says = serving === 'none' ? 'neither slot' : serving === 'both' ? 'both slots' : `the ${serving} slot`;
    throw new errors/* DeployError */.s({
        step: 'survey',
        what: `the upstream ${settings.nginxUpstream} (${file}:${line}) sends requests to ${says}, but the live slot is ${facts.live}: somebody changed it by hand`,
        next: `Decide which is right. Either let its server line name the port of ${facts.live}, or make ${settings.root}/live a link to the slot that nginx uses; then run the deploy again.`,
        settings: ['nginx-upstream', 'root'],
    });
}

;// CONCATENATED MODULE: ./src/engine/slots.ts

/**
 * The idle slot, which the new release gets, with its port and the other one's.
 *
 * @param ports as they are in force
 */
function slotsToUse(facts, ports, serving) {
    const portOf = { blue: ports[0], green: ports[1] };
    if (facts.live) {
        const slot = (0,engine_facts/* otherSlot */.jx)(facts.live);
        const [port, oldPort] = [portOf[slot], portOf[facts.live]];
        return { slot, port, oldPort };
    }
    // A first deploy takes the slot that gets no traffic yet, so that nothing is live before it is healthy.
    let slot = serving === 'blue' ? 'green' : 'blue';
    if (serving !== (0,engine_facts/* otherSlot */.jx)(slot) && facts.listeners.has(portOf[slot]) && !facts.listeners.has(portOf[(0,engine_facts/* otherSlot */.jx)(slot)]))
        slot = (0,engine_facts/* otherSlot */.jx)(slot);
    return { slot, port: portOf[slot], oldPort: portOf[(0,engine_facts/* otherSlot */.jx)(slot)] };
}
/** A rollback to the standby leads to where that listens, whatever the settings of the rollback say. */
function portsOfStandby(facts, release, inForce) {
    const slot = facts.live && (0,engine_facts/* otherSlot */.jx)(facts.live);
    const there = slot && facts.slots[slot];
    if (!there || !there.standby || !there.alive || there.release !== release || !there.port)
        return inForce;
    return slot === 'blue' ? [there.port, inForce[1]] : [inForce[0], there.port];
}
/** The ports as the host has them: the live slot keeps its own, whatever the settings say today; the other one gets the other. */
function portsInForce(facts, ports) {
    const live = facts.live && facts.slots[facts.live]?.port;
    if (!facts.live || !live)
        return [ports[0], ports[1]];
    const wanted = facts.live === 'blue' ? ports[1] : ports[0];
    const other = wanted !== live ? wanted : facts.live === 'blue' ? ports[0] : ports[1];
    return facts.live === 'blue' ? [live, other] : [other, live];
}

;// CONCATENATED MODULE: ./src/engine/drift.ts




/**
 * Which slot nginx really sends requests to, by what was seen while it was asked: new connections to the slots' ports in three questions,
 * else what its probe locations say, else the port to which its workers keep connections open. Undefined when that does not tell.
 */
function routedTo({ look }) {
    const { rounds, pool, probed } = look.nginx;
    // A stranger that looks in by chance is not seen in each of three rounds; a route is.
    const seen = slotsWhere((slot) => rounds[slot] > 0);
    const always = slotsWhere((slot) => rounds[slot] >= 3);
    const asked = seen.length > 1 && always.length ? always : seen;
    return oneOf(asked.length ? [...new Set([...asked, ...probed])] : probed.length ? probed : pool.length === 1 ? pool : []);
}
const slotsWhere = (holds) => ['blue', 'green'].filter(holds);
const oneOf = ([first, second]) => (second ? 'both' : first);
/**
 * In words, who holds a slot's port without being the slot's app; empty when nobody does.
 *
 * @param port as it is in force
 */
function strangerAt(facts, slot, port) {
    const known = facts.slots[slot];
    const { listen, pids, uid } = facts.look.slots[slot];
    const holder = facts.look.ports.get(port);
    if (!holder || listen === 'socket')
        return '';
    if (known?.alive && known.port === port) {
        // Such an app looks after its own processes: who has the port is taken for it.
        if (known.supervisor === 'command')
            return '';
        const own = holder.pids.length ? holder.pids.some((pid) => pids.includes(pid)) : !uid || uid === holder.uid;
        if (own)
            return '';
    }
    return holder.text || `user id ${holder.uid}`;
}
/**
 * Where the host is not as `live` says, the gravest first. A run that is under way explains some of it.
 *
 * @param nginx what the configuration on disk means; undefined when it cannot be read
 */
function driftOf(settings, facts, nginx) {
    const switching = facts.intent && facts.look.run !== '';
    const found = switching ? [] : [...interrupted(facts), ...fileDrift(settings, facts, nginx), ...routeDrift(facts, nginx)];
    return [...drift_closed(settings, facts), ...liveLink(settings, facts), ...found, ...liveApp(settings, facts), ...bothRun(facts), ...strangers(settings, facts)];
}
function drift_closed({ root }, { look, user }) {
    return look.closed ? [{ what: `the user ${user} may not look into ${root}`, next: 'Log in as the user who deploys (settings host, user).' }] : [];
}
function liveLink({ root }, { live, liveLink, look, slots }) {
    const next = `Look at it with: ls -l ${root}/live. Only bluegreen writes it; make it a link to the slot that has the traffic.`;
    if (look.liveOther)
        return [{ what: `${root}/live is not a link`, next }];
    if (liveLink && !live)
        return [{ what: `${root}/live leads to ${liveLink}, which is not slots/blue or slots/green`, next }];
    return live && !slots[live]?.release ? [{ what: `${root}/live leads to the slot ${live}, in which nothing was ever started`, next }] : [];
}
function interrupted({ intent, live }) {
    const match = live ? `the live slot, ${live}` : 'what it was before';
    return intent ? [{ what: 'a switch was interrupted', next: `Run a deploy or a rollback: it first makes nginx match ${match}.` }] : [];
}
/** What an interrupted switch left in the file is reconcile's to mend. */
function fileDrift(settings, facts, nginx) {
    if (!nginx || facts.intent)
        return [];
    try {
        checkDrift(settings, facts, nginx);
    }
    catch (error) {
        if (error instanceof errors/* DeployError */.s)
            return [{ what: error.problem.what, next: error.problem.next }];
        throw error;
    }
    return [];
}
function routeDrift(facts, nginx) {
    const { live, look, slots } = facts;
    const { url, status } = look.nginx;
    const to = routedTo(facts);
    if (!live || !url)
        return [];
    if (status === undefined)
        return [{ what: `nginx does not answer: ${url}`, next: 'See whether nginx runs, and read its error log.' }];
    if (!to || to === live) {
        const bad = status >= 500 && slots[live]?.healthy;
        return bad ? [{ what: `nginx answers ${status}, though the live slot, ${live}, is healthy: ${url}`, next: "Read nginx's error log." }] : [];
    }
    const where = to === 'both' ? 'both slots' : `the ${to} slot`;
    const next = look.nginx.mode === 'instant'
        ? 'Run command: setup; it says what keeps nginx from following the link.'
        : nginx?.serving === live
            ? 'Its configuration on disk names the live slot, but another one runs: reload nginx. If that changes nothing, look for another way to that port in the configuration.'
            : `Decide which is right. Either let nginx send requests to ${live} again, or make live a link to the slot that nginx uses.`;
    return [{ what: `nginx really sends requests to ${where}, but the live slot is ${live}`, next }];
}
function liveApp({ root }, { live, slots, look }) {
    const slot = live ? slots[live] : undefined;
    if (!live || !slot?.release || slot.healthy)
        return [];
    const log = `Look at ${root}/slots/${live}/app.log.`;
    if (slot.alive) {
        const said = look.slots[live].health ? `answers ${look.slots[live].health}` : 'does not answer';
        return [{ what: `the live slot, ${live}, is not healthy: it ${said}`, next: `${log} Then deploy again or roll back.` }];
    }
    const other = (0,engine_facts/* otherSlot */.jx)(live);
    const next = slots[other]?.alive && slots[other].healthy ? `The next deploy or rollback makes ${other} live.` : 'A deploy or a rollback brings the site back.';
    return [{ what: `the live slot, ${live}, does not run`, next: `${log} ${next}` }];
}
/** While a run is under way, two slots running is what a deploy looks like. */
function bothRun({ live, slots, look }) {
    if (look.run)
        return [];
    return ['blue', 'green']
        .filter((slot) => slot !== live && slots[slot]?.alive && !slots[slot].standby && (!live || slots[live]?.alive))
        .map((slot) => ({
        what: live ? `both slots run, and ${slot} is not a standby` : `the ${slot} slot runs, but nothing is live`,
        next: 'The next deploy or rollback stops it, once nginx brings nothing to it.',
    }));
}
/** Before the first deploy it is the app that ran until then; afterwards the next deploy needs the port. */
function strangers(settings, facts) {
    const [blue, green] = portsInForce(facts, settings.ports);
    return Object.entries({ blue, green }).flatMap(([slot, port]) => {
        const who = facts.live ? strangerAt(facts, slot, port) : '';
        const what = `port ${port} of the ${slot} slot is held by ${who}, which bluegreen did not start`;
        return who ? [{ what, next: 'Stop that process, or give the app two other ports (setting ports): a deploy needs that port.' }] : [];
    });
}

;// CONCATENATED MODULE: ./src/engine/status.ts



/** The longest author and subject, in characters. */
const LONGEST = { author: 100, subject: 500 };
/**
 * What there is to tell of a host: a pure function of settings and facts.
 *
 * @param nginx what nginx's configuration means, or why that is not known
 */
function statusOf(settings, facts, nginx) {
    const config = 'edit' in nginx ? nginx : undefined;
    const [blue, green] = portsInForce(facts, settings.ports);
    const standby = ['blue', 'green'].find((slot) => facts.slots[slot]?.standby);
    return {
        version: 1,
        app: settings.app,
        host: settings.host.host,
        root: settings.root,
        user: facts.user,
        time: hostTime(facts),
        live: facts.live || null,
        standby: standby ?? null,
        run: facts.look.run || null,
        slots: { blue: slotStatus(settings, facts, 'blue', blue), green: slotStatus(settings, facts, 'green', green) },
        nginx: nginxStatus(facts, nginx),
        drift: driftOf(settings, facts, config),
        reconcile: reconcileWould(facts),
        ledger: facts.ledger.slice(-10).map(ledgerStatus),
    };
}
/** The status as JSON, on one line. */
const statusJson = (status) => JSON.stringify(status);
/** What is live, and what is not well, in half a sentence. */
function statusSentence(status) {
    const live = status.live && status.slots[status.live].release;
    const faults = [...status.drift, ...(status.nginx.problem ? [status.nginx.problem] : [])].map(({ what }) => what);
    const [first, ...more] = faults;
    const rest = more.length ? ` (and ${more.length} more)` : '';
    return `${live ? `release ${live} is live on ${status.live}` : 'nothing is live'}${first ? `; ${first}${rest}` : ''}`;
}
function slotStatus(settings, facts, slot, port) {
    const known = facts.slots[slot];
    const look = facts.look.slots[slot];
    const now = Date.parse(hostTime(facts) ?? '');
    const alive = known?.alive ?? false;
    return {
        release: known?.release || null,
        commit: known?.sha ? { sha: known.sha, ...commitText(look.commit) } : null,
        listen: look.listen,
        port: known?.port || port,
        socket: look.listen === 'socket' ? `${settings.root}/slots/${slot}/app.sock` : null,
        supervisor: known?.supervisor || null,
        running: alive,
        healthy: known && alive ? known.healthy : null,
        healthStatus: look.health ?? null,
        runningSince: alive && look.seconds !== undefined ? isoTime(now - look.seconds * 1000) : null,
        liveSince: slot === facts.live ? liveSince(facts) : null,
        memoryBytes: alive && look.memoryKiB ? look.memoryKiB * 1024 : null,
        processes: alive && look.pids.length ? look.pids.length : null,
        portHeldBy: strangerAt(facts, slot, known?.port || port) || null,
    };
}
function commitText(commit) {
    return {
        author: commit ? cut(commit.author, LONGEST.author) : null,
        subject: commit ? cut(commit.subject, LONGEST.subject) : null,
        time: commit?.seconds === undefined ? null : isoTime(commit.seconds * 1000),
    };
}
function nginxStatus(facts, nginx) {
    const { mode, status, url } = facts.look.nginx;
    const problem = 'edit' in nginx ? undefined : nginx;
    return {
        mode: mode ?? null,
        routesTo: routedTo(facts) ?? null,
        status: status ?? null,
        url: url || null,
        configured: 'edit' in nginx ? nginx.serving : null,
        problem: problem ? { what: problem.what, next: problem.next, details: problem.details } : null,
    };
}
function ledgerStatus(line) {
    const { command, release, sha, outcome, liveRelease, actor, url, ms } = line;
    return { ended: isoTime(parsedTime(line.ended)), command, release, sha, outcome, liveRelease, actor, seconds: ms === undefined ? null : Math.round(ms / 10) / 100, url };
}
/** Since when the release that is live has been so without a break: the end of the first run of the ledger after which it was. */
function liveSince(facts) {
    const release = facts.live && facts.slots[facts.live]?.release;
    let first;
    for (const line of [...facts.ledger].reverse()) {
        if (!release || line.liveRelease !== release)
            break;
        first = line;
    }
    return first ? isoTime(parsedTime(first.ended)) : null;
}
/** The host's `20261122T101500Z` as ISO 8601. */
function hostTime({ time }) {
    return isoTime(parsedTime(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')));
}
/** Date.parse takes nearly anything for a date. */
const parsedTime = (text) => (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text) ? Date.parse(text) : NaN);
/** @param ms Unix time in milliseconds; what is none, or not of this era, gives null */
function isoTime(ms) {
    return Math.abs(ms) < 253_402_300_800_000 ? new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z') : null;
}
function cut(text, characters) {
    const all = [...text];
    return all.length <= characters ? text : `${all.slice(0, characters - 1).join('')}…`;
}

;// CONCATENATED MODULE: ./src/engine/status-view.ts


/** The widest cell of a slot, and of the ledger, in the log. */
const WIDEST = { slot: 52, ledger: 30 };
/** The status as plain text in aligned columns, for the log. */
function statusText(status) {
    const slots = slotRows(status).map(([label, ...cells]) => [label ?? '', ...cells.map((cell) => fitted(cell, WIDEST.slot))]);
    const ledger = ledgerRows(status).map((row) => row.map((cell) => fitted(cell, WIDEST.ledger)));
    const list = (title, items) => (items.length ? `${title}:\n${items.map((item) => `- ${item}`).join('\n')}` : '');
    const details = status.nginx.problem?.details.split('\n').map((line) => `  ${harmless(line)}`).join('\n');
    return [
        harmless([`${status.app} on ${status.host}`, status.root, status.time && seconds(status.time)].filter(Boolean).join(', ')),
        aligned(slots),
        [...nginxLines(status).map(harmless), details?.trim() && details].filter(Boolean).join('\n'),
        status.run ? `under way: ${harmless(status.run)}` : '',
        list('not as it should be', status.drift.map(({ what, next }) => `${harmless(what)}\n  ${harmless(next)}`)),
        list('the next run would', status.reconcile.map(harmless)),
        isInOrder(status) ? `${harmless(status.root)} is as \`live\` says` : '',
        ledger.length > 1 ? aligned(ledger) : '',
    ]
        .filter(Boolean)
        .join('\n\n');
}
/** The status as Markdown, for the job summary. */
function statusMarkdown(status) {
    const list = (title, items) => (items.length ? `${title}:\n${items.map((item) => `- ${item}`).join('\n')}` : '');
    const details = status.nginx.problem?.details.split('\n').map(harmless).join('\n').trim();
    return [
        table(slotRows(status)),
        nginxLines(status).map(escaped).join('<br>'),
        details ? (0,markdown/* fenced */.O)(details) : '',
        status.run ? `Under way: ${escaped(status.run)}` : '',
        list('Not as it should be', status.drift.map(({ what, next }) => `**${escaped(what)}.** ${escaped(next)}`)),
        list('The next run would', status.reconcile.map(escaped)),
        isInOrder(status) ? `${escaped(status.root)} is as \`live\` says.` : '',
        status.ledger.length ? table(ledgerRows(status)) : '',
    ]
        .filter(Boolean)
        .join('\n\n');
}
const isInOrder = ({ live, drift, reconcile, nginx, run }) => live !== null && !drift.length && !reconcile.length && !nginx.problem && !run;
/** A row for each thing to know, a column for each slot. Rows that have nothing to say are left out. */
function slotRows(status) {
    const { blue, green } = status.slots;
    const both = (show) => [show(blue), show(green)];
    const age = (time) => ago(status.time, time);
    const rows = [
        ['release', ...both(({ release }) => release ?? 'none yet')],
        ['commit', ...both(({ commit }) => [commit?.sha.slice(0, 7), commit?.subject].filter(Boolean).join(' '))],
        ['author', ...both(({ commit }) => [commit?.author, age(commit?.time)].filter(Boolean).join(', '))],
        ['live for', ...both(({ liveSince }) => age(liveSince).replace(/ ago$/, ''))],
        ['state', ...both(stateOf)],
        ['runs for', ...both(({ runningSince }) => age(runningSince).replace(/ ago$/, ''))],
        ['memory', ...both(memoryOf)],
        ['listens on', ...both(({ listen, port, socket }) => (listen === 'socket' ? (socket ?? 'socket') : `port ${port}`))],
        ['port held by', ...both(({ portHeldBy }) => portHeldBy ?? '')],
        ['supervisor', ...both(({ supervisor }) => supervisor ?? '')],
    ];
    const role = (slot) => (slot === status.live ? ' (live)' : slot === status.standby ? ' (standby)' : '');
    return [['', `blue${role('blue')}`, `green${role('green')}`], ...rows.filter(([, ...cells]) => cells.some(Boolean))];
}
function stateOf({ release, running, healthy, healthStatus }) {
    if (!running)
        return release ? 'does not run' : '';
    return healthy ? `healthy (${healthStatus})` : `runs, not healthy (${healthStatus ?? 'no answer'})`;
}
function memoryOf({ memoryBytes, processes }) {
    if (memoryBytes === null)
        return '';
    const mb = memoryBytes / 1e6;
    return `${mb < 10 ? mb.toFixed(1) : Math.round(mb)} MB${processes ? ` in ${processes} process${processes === 1 ? '' : 'es'}` : ''}`;
}
function nginxLines({ nginx }) {
    const { routesTo, url, status, mode, configured, problem } = nginx;
    const to = routesTo === 'both' ? 'sends requests to both slots' : routesTo ? `sends requests to ${routesTo}` : 'was asked, but it was not seen to which slot it sends requests';
    const says = configured === 'none' ? 'neither slot' : configured === 'both' ? 'both slots' : configured;
    const about = [mode && `switch: ${mode}`, says && `its configuration names ${says}`].filter(Boolean).join('; ');
    return [
        `nginx ${url ? `${to}: ${status ?? 'no answer'} from ${url}` : 'was not asked: no deploy has come to the switch yet'}${about ? ` (${about})` : ''}`,
        ...(problem ? [`nginx: ${problem.what}`, ...problem.next.split('\n')] : []),
    ];
}
function ledgerRows({ ledger }) {
    const row = ({ ended, command, release, outcome, seconds: took, actor }) => [
        ended ? seconds(ended) : '',
        command,
        release,
        outcome,
        took === null ? '' : `${took.toFixed(1)} s`,
        actor,
    ];
    return [['ended', 'command', 'release', 'outcome', 'took', 'by'], ...ledger.map(row)];
}
/** `2026-11-22T10:15:00Z` as people read it. */
const seconds = (time) => time.replace('T', ' ').replace('Z', ' UTC');
/** How long before the look something was: `3 h ago`. Empty when one of the times is not known. */
function ago(now, then) {
    if (!now || !then)
        return '';
    const past = Math.max(0, Math.round((Date.parse(now) - Date.parse(then)) / 1000));
    const [size, unit] = past < 90 ? [1, 's'] : past < 90 * 60 ? [60, 'min'] : past < 48 * 3600 ? [3600, 'h'] : [86_400, 'd'];
    return `${Math.round(past / size)} ${unit} ago`;
}
function aligned(rows) {
    const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => width(row[column] ?? ''))));
    return rows.map((row) => row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell))).join('  ').trimEnd()).join('\n');
}
/** How many columns of a terminal a text takes: one for most characters, two for those of East Asia and emoji. */
const width = (text) => [...text].reduce((sum, one) => sum + columns(one), 0);
const columns = (one) => /\p{M}/u.test(one) ? 0 : /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u.test(one) ? 2 : 1;
/** A harmless text of at most so many columns. */
function fitted(text, widest) {
    const line = harmless(text);
    if (width(line) <= widest)
        return line;
    let kept = '';
    for (const one of line) {
        if (width(kept) + columns(one) > widest - 1)
            break;
        kept += one;
    }
    return `${kept}…`;
}
function table([head = [], ...rows]) {
    const line = (cells) => `| ${cells.join(' | ')} |`;
    return [line(head.map(escaped)), line(head.map(() => '---')), ...rows.map((row) => line(row.map(escaped)))].join('\n');
}

;// CONCATENATED MODULE: ./src/engine/outcome.ts





/** How a run ended, for all who report it. */
function outcomeOf(ran) {
    const { plan, end, facts, status } = ran;
    const target = plan?.target;
    const conclusion = conclusionOf(ran);
    return {
        conclusion,
        sentence: `${ran.settings.app}: ${sentenceOf(ran, conclusion)}.`,
        switched: hasSwitched(ran),
        // Without a plan the host has nothing to decide.
        decided: Boolean(end ?? !plan),
        release: target?.release ?? '',
        previousRelease: plan?.previousRelease ?? '',
        sha: target?.sha ?? facts?.commit ?? '',
        slot: target?.slot ?? '',
        port: target?.port ?? 0,
        startedAt: ran.startedAt,
        durationMs: ran.endedAt - ran.startedAt,
        steps: ran.steps,
        problem: conclusion === 'failure' ? ran.problem : undefined,
        extra: status ? statusMarkdown(status) : extraOf(ran, conclusion),
        extraText: status ? statusText(status) : conclusion === 'success' ? ran.setup?.text : undefined,
        status: status && statusJson(status),
    };
}
const hasSwitched = ({ plan, end }) => Boolean(plan && end && end.release === plan.target.release);
/** What is reported follows what is live, not how the run ended. */
function conclusionOf({ end, problem, cancelled }) {
    if (end?.result === 'success')
        return 'success';
    if (end?.result === 'skipped')
        return 'skipped';
    if (end?.result === 'looked')
        return problem ? 'failure' : 'success';
    if (cancelled && (!end || end.result === 'aborted'))
        return 'cancelled';
    return 'failure';
}
function sentenceOf(ran, conclusion) {
    if (ran.settings.command === 'setup')
        return setupSentence(ran, conclusion);
    if (conclusion === 'success')
        return success(ran);
    if (conclusion === 'skipped')
        return ran.plan?.skip ?? 'nothing to do';
    return conclusion === 'cancelled' ? cancelled(ran) : failure(ran);
}
function setupSentence({ setup, problem }, conclusion) {
    if (conclusion === 'success')
        return setup?.sentence ?? 'done';
    if (conclusion === 'cancelled')
        return 'cancelled; what was begun is finished by the host itself';
    return `setup failed${problem?.step ? ` at ${problem.step}` : ''}${setup ? '' : '; nothing was changed'}`;
}
function success({ settings, status, plan, finishedAlone }) {
    if (status)
        return statusSentence(status);
    if (!plan)
        return 'done';
    const { release, sha, slot } = plan.target;
    if (settings.command === 'plan')
        return plan.skip || `a deploy would put ${sha.slice(0, 7)} live on ${slot}; nothing was changed`;
    return `${settings.command === 'rollback' ? 'rolled back: ' : ''}release ${release} (${sha.slice(0, 7)}) is live on ${slot}, ${whereText(plan.target)}${finishedAlone ? '; the line was lost after the switch, and the host finished by itself' : ''}`;
}
function cancelled(ran) {
    if (ran.steps.some(({ name }) => name === 'switch') && !ran.end)
        return 'cancelled after the switch had begun; the host finishes by itself';
    const live = whatIsLive(ran);
    return `cancelled before the switch; ${!ran.plan && ran.end ? 'nothing was changed, ' : ''}${live}`;
}
function failure(ran) {
    const where = ran.problem?.step ? ` at ${ran.problem.step}` : '';
    return `failed${where}; ${whatIsLive(ran)}${!hasSwitched(ran) && ran.end?.release ? ', as before' : ''}`;
}
function whatIsLive({ plan, end }) {
    if (end)
        return end.release ? `release ${end.release} is live` : 'nothing is live';
    return plan ? 'the host decides by itself what is live, and the next run mends what is left' : 'nothing was changed';
}
function extraOf({ settings, plan, facts, setup }, conclusion) {
    if (setup)
        return conclusion === 'success' && setup.text ? (0,markdown/* fenced */.O)(setup.text) : undefined;
    return settings.command === 'plan' && plan && facts ? planMarkdown(plan, facts) : undefined;
}

// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: ./src/host/quote.ts
var quote = __webpack_require__(282);
;// CONCATENATED MODULE: ./src/nginx/compiled.ts
/**
 * A value that nginx was compiled with (`--pid-path=…`), or undefined. Only the line of configure arguments counts, and
 * not what stands within quotes there: compilers' options look alike.
 */
function compiled_compiled(nginxV, option) {
    const line = /^configure arguments:(.*)$/m.exec(nginxV ?? '')?.[1] ?? '';
    for (const match of line.matchAll(/(?:[^\s']|'[^']*')+/g)) {
        const [name, ...value] = match[0].split('=');
        if (name === `--${option}`)
            return value.join('=').replaceAll("'", '');
    }
    return undefined;
}
/** A path of the configuration as an absolute one: others than includes are relative to `--prefix`. */
function workingPath(path, nginxV) {
    if (path.startsWith('/'))
        return path;
    // nginx's own default, auto/options in its sources.
    const prefix = compiled_compiled(nginxV, 'prefix') ?? '/usr/local/nginx';
    return `${prefix.replace(/\/+$/, '')}/${path}`;
}

;// CONCATENATED MODULE: ./src/nginx/glob.ts
/** Whether an include names files by a pattern; the same test as nginx's. */
const isPattern = (path) => /[*?[]/.test(path);
/** A set `[…]` whose text starts at `at`; undefined when it is not closed, `[` is an ordinary character then. */
function setAt(part, at) {
    const negated = part[at + 1] === '!' || part[at + 1] === '^';
    const first = at + (negated ? 2 : 1);
    const close = part.indexOf(']', first + 1);
    if (close < 0)
        return undefined;
    const set = part.slice(first, close);
    const holds = (char) => {
        for (let i = 0; i < set.length; i++) {
            const last = set[i + 1] === '-' ? set[i + 2] : undefined;
            if (last !== undefined) {
                if (char >= set.charAt(i) && char <= last)
                    return true;
                i += 2;
            }
            else if (set[i] === char)
                return true;
        }
        return false;
    };
    return { end: close + 1, matches: (char) => holds(char) !== negated };
}
function pieces(part) {
    const found = [];
    for (let at = 0; at < part.length;) {
        const set = part[at] === '[' ? setAt(part, at) : undefined;
        if (set) {
            found.push({ star: false, matches: set.matches });
            at = set.end;
        }
        else if (part[at] === '*') {
            found.push({ star: true });
            at++;
        }
        else if (part[at] === '?') {
            found.push({ star: false, matches: () => true });
            at++;
        }
        else {
            if (part[at] === '\\' && at + 1 < part.length)
                at++;
            const literal = part[at];
            found.push({ star: false, matches: (char) => char === literal });
            at++;
        }
    }
    return found;
}
/** One folder's or file's name against one part of the pattern. Goes back to the last `*` only, so it takes no long time. */
function partMatches(part, name) {
    if (name.startsWith('.') && !part.startsWith('.'))
        return false;
    const pattern = pieces(part);
    let p = 0;
    let star = -1;
    let retry = 0;
    for (let n = 0; n < name.length;) {
        const piece = pattern[p];
        if (piece?.star) {
            star = p++;
            retry = n;
        }
        else if (piece && piece.matches(name.charAt(n))) {
            p++;
            n++;
        }
        else if (star >= 0) {
            p = star + 1;
            n = ++retry;
        }
        else
            return false;
    }
    return pattern.slice(p).every((piece) => piece.star);
}
/**
 * Whether glob(3), as nginx calls it, gives this path: `*`, `?` and sets stay within one folder and do not match a
 * leading dot.
 */
function globMatches(pattern, path) {
    const parts = pattern.split('/');
    const names = path.split('/');
    return parts.length === names.length && parts.every((part, i) => partMatches(part, names[i] ?? ''));
}

;// CONCATENATED MODULE: ./src/nginx/lexer.ts

/** An error for a configuration that cannot be followed; `what` is what was found there, not the file's text. */
function unreadable(file, line, what) {
    return new errors/* DeployError */.s({
        what: `nginx's configuration cannot be followed at ${file}:${line}: ${what}`,
        next: 'Look at this line; `nginx -t` on the host shows what nginx makes of it. Write it in a plainer way if nginx accepts it.',
        settings: [],
    });
}
/** Gives the line number (from 1) of an offset; reads the text once. */
function lineCounter(text) {
    const starts = [0];
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1))
        starts.push(at + 1);
    return (offset) => {
        let low = 0;
        let high = starts.length;
        while (high - low > 1) {
            const middle = (low + high) >> 1;
            if ((starts[middle] ?? 0) <= offset)
                low = middle;
            else
                high = middle;
        }
        return low + 1;
    };
}
const isSpace = (char) => char === ' ' || char === '\t' || char === '\r' || char === '\n';
/** The escapes that nginx knows; before any other character a backslash stays. */
const ESCAPES = { '"': '"', "'": "'", '\\': '\\', t: '\t', r: '\r', n: '\n' };
function lexer_unescape(raw) {
    if (!raw.includes('\\'))
        return raw;
    return raw.replace(/\\(["'\\trn])/g, (_whole, char) => ESCAPES[char] ?? char);
}
/**
 * Reads one token from `at`, as nginx's ngx_conf_read_token does: a backslash keeps the next character from meaning
 * anything, `{` right after `$` belongs to the word, `#` starts a comment only where a word could start, `}` inside a
 * word is part of it.
 * @throws DeployError that names file and line, for an unfinished word or text glued to a closing quote
 */
function nextToken(text, at, fail) {
    let start = at;
    for (;;) {
        while (start < text.length && isSpace(text.charAt(start)))
            start++;
        if (text[start] !== '#')
            break;
        const newline = text.indexOf('\n', start);
        start = newline < 0 ? text.length : newline + 1;
    }
    const first = text[start];
    if (first === undefined)
        return { kind: 'end', start };
    if (first === ';' || first === '{' || first === '}')
        return { kind: first, start };
    return first === '"' || first === "'" ? quotedWord(text, start, first, fail) : bareWord(text, start, fail);
}
function quotedWord(text, start, quote, fail) {
    let end = start + 1;
    while (end < text.length && text[end] !== quote)
        end += text[end] === '\\' ? 2 : 1;
    if (end >= text.length)
        throw fail(start, `the quote ${quote} that opens here is never closed`);
    const after = text[end + 1];
    if (after !== undefined && !isSpace(after) && after !== ';' && after !== '{' && after !== ')') {
        throw fail(end, 'a space or ";" is missing after the closing quote');
    }
    return { kind: 'word', text: lexer_unescape(text.slice(start + 1, end)), start, end: end + 1 };
}
function bareWord(text, start, fail) {
    let end = start;
    let variable = false;
    for (; end < text.length; end++) {
        const char = text.charAt(end);
        if (char === '{' && variable)
            continue;
        variable = char === '$';
        if (char === '\\')
            end++;
        else if (isSpace(char) || char === ';' || char === '{')
            break;
    }
    if (end >= text.length)
        throw fail(start, 'the file ends before the ";" of this directive');
    return { kind: 'word', text: lexer_unescape(text.slice(start, end)), start, end };
}

;// CONCATENATED MODULE: ./src/nginx/lua.ts
/** A long bracket (`[[`, `[==[`) at `at`: where what it opens ends, or undefined if there is none. */
function longBracketEnd(text, at) {
    const open = /^\[(=*)\[/.exec(text.slice(at, at + 64));
    if (!open)
        return undefined;
    const close = text.indexOf(`]${open[1] ?? ''}]`, at + open[0].length);
    return close < 0 ? text.length : close + open[0].length;
}
/** The piece of Lua that starts at `at`: a comment, a string, or one character of code. */
function pieceAt(text, at) {
    if (text.startsWith('--', at)) {
        const newline = text.indexOf('\n', at);
        return { kind: 'comment', start: at, end: longBracketEnd(text, at + 2) ?? (newline < 0 ? text.length : newline) };
    }
    const quote = text[at];
    if (quote === '"' || quote === "'") {
        let end = at + 1;
        while (end < text.length && text[end] !== quote && text[end] !== '\n')
            end += text[end] === '\\' ? 2 : 1;
        return { kind: 'string', start: at, end: Math.min(end + 1, text.length) };
    }
    const long = quote === '[' ? longBracketEnd(text, at) : undefined;
    return long === undefined ? { kind: 'code', start: at, end: at + 1 } : { kind: 'string', start: at, end: long };
}
/**
 * The end of a `*_by_lua_block { … }`: braces in strings and comments do not count.
 * @param from the offset after the opening brace
 * @returns the offset of the closing brace, or undefined when there is none
 */
function luaBlockEnd(text, from) {
    let depth = 1;
    for (let at = from; at < text.length; at = pieceAt(text, at).end) {
        if (text[at] === '{')
            depth++;
        else if (text[at] === '}' && --depth === 0)
            return at;
    }
    return undefined;
}
/** Lua without its comments, each replaced by a space. */
function luaWithoutComments(code) {
    let rest = '';
    for (let at = 0; at < code.length;) {
        const piece = pieceAt(code, at);
        rest += piece.kind === 'comment' ? ' ' : code.slice(piece.start, piece.end);
        at = piece.end;
    }
    return rest;
}

;// CONCATENATED MODULE: ./src/nginx/parser.ts


/** No configuration nests as deep as this; it keeps the code that walks the tree from running out of stack. */
const DEEPEST = 100;
/**
 * Reads one file of nginx's language into directives.
 * @throws DeployError that names file and line where the text cannot be followed
 */
function parseFile(file, text) {
    const lineOf = lineCounter(text);
    const fail = (offset, what) => unreadable(file, lineOf(offset), what);
    const top = [];
    const open = [];
    let words = [];
    const add = (end, block, code) => {
        const [name, ...args] = words.map((word) => word.text);
        const start = words[0]?.start ?? end;
        const statement = { file, line: lineOf(start), name: name ?? '', args, words, start, end, block, code };
        (open.at(-1)?.block ?? top).push(statement);
        words = [];
        return statement;
    };
    for (let at = 0;;) {
        const token = nextToken(text, at, fail);
        at = token.kind === 'word' ? token.end : token.start + 1;
        if (token.kind === 'word') {
            words.push({ text: token.text, start: token.start, end: token.end });
        }
        else if (token.kind === 'end') {
            const unclosed = open.at(-1);
            if (words[0])
                throw fail(words[0].start, 'the file ends before the ";" of this directive');
            if (unclosed)
                throw fail(unclosed.start, 'the block that opens here is never closed');
            return top;
        }
        else if (token.kind === '}') {
            const closed = open.at(-1);
            if (words[0])
                throw fail(token.start, 'unexpected "}", a ";" is missing before it');
            if (!closed)
                throw fail(token.start, 'unexpected "}", no block is open here');
            closed.end = at;
            open.pop();
        }
        else if (words.length === 0) {
            throw fail(token.start, `unexpected "${token.kind}", no directive stands before it`);
        }
        else if (token.kind === ';') {
            add(at, undefined, undefined);
        }
        else if (words[0]?.text.endsWith('_by_lua_block')) {
            const close = luaBlockEnd(text, at);
            if (close === undefined)
                throw fail(token.start, 'the Lua block that opens here is never closed');
            add(close + 1, undefined, text.slice(at, close));
            at = close + 1;
        }
        else {
            if (open.length >= DEEPEST)
                throw fail(token.start, `blocks are nested deeper than ${DEEPEST}`);
            open.push(add(at, [], undefined));
        }
    }
}

;// CONCATENATED MODULE: ./src/nginx/config.ts




/** More than any host has; ends files that include each other many times over. */
const MOST_DIRECTIVES = 500_000;
const MARKER = /(?<![^\n])# configuration file ([^\n]+):\n/g;
/**
 * Splits what `nginx -T` prints into files. nginx writes a marker line, the file's bytes and a line feed, each file
 * once (main() in src/core/nginx.c), so a marker for a file that came before is text of the file it stands in.
 * @throws DeployError when there is no marker line
 */
function splitDump(dump) {
    const marks = [];
    const seen = new Set();
    for (const match of dump.matchAll(MARKER)) {
        const path = match[1] ?? '';
        if (seen.has(path))
            continue;
        seen.add(path);
        marks.push({ path, start: match.index, text: match.index + match[0].length });
    }
    if (marks.length === 0) {
        throw new errors/* DeployError */.s({
            what: '`nginx -T` did not print a configuration',
            next: 'Run the nginx command with -T on the host by hand: it must print the configuration and end with "test is successful".',
            settings: ['nginx-command'],
        });
    }
    return new Map(marks.map(({ path, text }, i) => [path, dump.slice(text, marks[i + 1]?.start).replace(/\n$/, '')]));
}
/** Puts the files of an include in the place of the include, and knows how far it may go. */
class Loader {
    files;
    main;
    parsed = new Map();
    count = 0;
    folder;
    reached = new Set();
    constructor(files, main) {
        this.files = files;
        this.main = main;
        this.folder = main.slice(0, main.lastIndexOf('/') + 1);
    }
    load() {
        return this.file(this.main, undefined, 0);
    }
    file(path, parent, depth) {
        this.reached.add(path);
        const known = this.parsed.get(path) ?? parseFile(path, this.files.get(path) ?? '');
        this.parsed.set(path, known);
        return this.link(known, parent, depth);
    }
    link(statements, parent, depth) {
        return statements.flatMap((statement) => {
            if (depth > DEEPEST || ++this.count > MOST_DIRECTIVES) {
                throw unreadable(statement.file, statement.line, 'files that include each other make it endless or far too large');
            }
            const pattern = statement.block ? undefined : statement.name === 'include' ? statement.args[0] : undefined;
            if (pattern !== undefined) {
                return this.included(pattern, statement, parent).flatMap((path) => this.file(path, parent, depth + 1));
            }
            const directive = { ...statement, parent, block: undefined };
            if (statement.block)
                directive.block = this.link(statement.block, directive, depth + 1);
            return [directive];
        });
    }
    /** Relative paths start at the main file's folder, whichever file the include stands in (ngx_conf_include). */
    included(pattern, statement, parent) {
        const path = pattern.startsWith('/') ? pattern : this.folder + pattern;
        if (isPattern(path))
            return [...this.files.keys()].filter((file) => globMatches(path, file)).sort();
        if (this.files.has(path))
            return [path];
        // nginx loads a compiled geo base (`x.conf.bin`) instead of the file, and does not print it.
        if (parent?.name === 'geo')
            return [];
        throw unreadable(statement.file, statement.line, `the file that is included here, ${path}, is not in what \`nginx -T\` printed`);
    }
}
/**
 * Reads what `nginx -T` prints on its standard output into one tree. Only files that it printed are used. A marker
 * line that no include leads to is text of the file it stands in.
 * @param dump decoded so that it can be encoded again to the same bytes (UTF-8, or latin1 for any bytes)
 * @throws DeployError naming file and line where the configuration cannot be followed
 */
function readConfig(dump) {
    const files = splitDump(dump);
    for (;;) {
        const main = [...files.keys()][0] ?? '';
        const loader = new Loader(files, main);
        const directives = loader.load();
        const stray = [...files.keys()].findIndex((path) => !loader.reached.has(path));
        if (stray < 1)
            return { main, files, directives };
        mergeIntoPrevious(files, stray);
    }
}
/** The same for files that are known one by one, the main file first: what no include leads to is left out. */
function readFiles(files) {
    const main = [...files.keys()][0] ?? '';
    return { main, files, directives: new Loader(files, main).load() };
}
function mergeIntoPrevious(files, stray) {
    const all = [...files.entries()];
    const [before, found] = [all[stray - 1], all[stray]];
    if (!before || !found)
        return;
    files.set(before[0], `${before[1]}\n# configuration file ${found[0]}:\n${found[1]}`);
    files.delete(found[0]);
}
/** Every directive below, each before what stands in its block. */
function* walk(directives) {
    for (const directive of directives ?? []) {
        yield directive;
        yield* walk(directive.block);
    }
}
/** The server blocks of http. */
function httpServers(config) {
    const http = config.directives.filter((directive) => directive.name === 'http');
    return http.flatMap((context) => (context.block ?? []).filter((directive) => directive.name === 'server' && directive.block));
}
/** The nearest block of this name around a directive, or undefined. */
function enclosing(directive, name) {
    for (let at = directive.parent; at; at = at.parent)
        if (at.name === name)
            return at;
    return undefined;
}
/** The names of the blocks around a directive, outermost first: `['http', 'server', 'location']`. */
function contextOf(directive) {
    return directive.parent ? [...contextOf(directive.parent), directive.parent.name] : [];
}
/** `file:line`, as messages write it. */
const place = (directive) => `${directive.file}:${directive.line}`;

;// CONCATENATED MODULE: ./src/nginx/address.ts
const HOST = String.raw `\[[0-9A-Fa-f:.%]+\]|[^\s:/?$\[\]]+`;
const ADDRESS = new RegExp(`^(${HOST})(?::([0-9]{1,9}))?$`);
const TARGET = new RegExp(`^(?:([A-Za-z][A-Za-z0-9+.-]*)://)?(${HOST})(?::([0-9]{1,9}))?(?=$|[/?$])(.*)$`, 's');
/** `host`, `host:port`, `[v6]:port`; undefined for a Unix socket or anything else. */
function parseAddress(text) {
    const match = ADDRESS.exec(text);
    if (!match || /^unix:/i.test(text))
        return undefined;
    return { host: match[1] ?? '', port: match[2] === undefined ? undefined : Number(match[2]) };
}
/** The argument of a `*_pass` directive; undefined for a Unix socket, or when the host is a variable. */
function parseTarget(text) {
    const match = TARGET.exec(text);
    if (!match || /^([a-z]+:\/\/)?unix:/i.test(text))
        return undefined;
    return {
        scheme: (match[1] ?? '').toLowerCase(),
        host: match[2] ?? '',
        port: match[3] === undefined ? undefined : Number(match[3]),
        uri: match[4] || undefined,
    };
}
const LOOPBACK = /^(127(\.\d{1,3}){1,3}|localhost\.?|0\.0\.0\.0|::|::1|(0{1,4}:){7}0{0,3}[01]|::ffff:127(\.\d{1,3}){3})$/i;
/** Whether nginx, connecting to this host, reaches the machine that it runs on. */
function isThisMachine(host, isLocal) {
    const plain = host.replace(/^\[(.*)\]$/, '$1');
    return LOOPBACK.test(plain) || isLocal(plain);
}

;// CONCATENATED MODULE: ./src/nginx/locations.ts
/** Reads a location, also the short form without a space (`=/x`). */
function parseLocation(directive) {
    const joined = directive.args.length > 1 ? directive.args : splitModifier(directive.args[0] ?? '');
    const [modifier, value = ''] = joined.length > 1 ? joined : ['', joined[0]];
    const base = { directive, value, final: false };
    if (modifier === '=')
        return { ...base, kind: 'exact', matches: (path) => path === value };
    if (modifier === '~' || modifier === '~*') {
        const expression = compile(value, modifier === '~*' ? 'i' : '');
        return { ...base, kind: 'regex', matches: (path) => expression?.test(path) ?? false };
    }
    if (value.startsWith('@'))
        return { ...base, kind: 'named', matches: () => false };
    return { ...base, kind: 'prefix', final: modifier === '^~', matches: (path) => path.startsWith(value) };
}
function splitModifier(text) {
    const match = /^(=|\^~|~\*|~)(.+)$/s.exec(text);
    return match ? [match[1] ?? '', match[2] ?? ''] : [text];
}
/** nginx's expressions are PCRE: one that JavaScript cannot read matches nothing here. */
function compile(expression, flags) {
    try {
        return new RegExp(expression, flags);
    }
    catch {
        return undefined;
    }
}
/** The location that nginx would choose for a path: exact, longest prefix, then expressions in order; nested ones too. */
function chosenLocation(block, path) {
    const fitting = (block ?? [])
        .filter((directive) => directive.name === 'location' && directive.block)
        .map(parseLocation)
        .filter((location) => location.matches(path));
    const exact = fitting.find((location) => location.kind === 'exact');
    if (exact)
        return exact;
    const prefix = fitting
        .filter((location) => location.kind === 'prefix')
        .reduce((best, one) => (best && best.value.length >= one.value.length ? best : one), undefined);
    const nested = prefix && chosenLocation(prefix.directive.block, path);
    if (nested)
        return nested;
    const expression = prefix?.final ? undefined : fitting.find((location) => location.kind === 'regex');
    return (expression && chosenLocation(expression.directive.block, path)) ?? expression ?? prefix;
}

;// CONCATENATED MODULE: ./src/nginx/upstream.ts




/** nginx compares upstreams' names without regard to case. */
const sameName = (one, other) => one.toLowerCase() === other.toLowerCase();
/** All `upstream` blocks in http and stream. */
function upstreams(config) {
    return config.directives
        .filter((directive) => directive.name === 'http' || directive.name === 'stream')
        .flatMap((context) => (context.block ?? []).filter((directive) => directive.name === 'upstream' && directive.block));
}
/**
 * The app's `upstream` block, in http or stream, in whichever file.
 * @throws DeployError with the lines to add when it is not there, with all places when it is there more than once
 */
function findUpstream(config, options) {
    const { upstream, ports } = options;
    const all = upstreams(config);
    const found = all.filter((block) => sameName(block.args[0] ?? '', upstream));
    const [first, second] = found;
    if (first && !second)
        return first;
    if (first && second) {
        throw new errors/* DeployError */.s({
            what: `nginx's configuration has the upstream ${upstream} more than once: ${found.map((block) => `${place(block)} (${block.parent?.name})`).join(', ')}`,
            next: 'Keep one of them, or give one another name and name the one that leads to this app in the setting.',
            settings: ['nginx-upstream'],
        });
    }
    const names = [...new Set(all.map((block) => block.args[0] ?? ''))].sort();
    throw new errors/* DeployError */.s({
        what: `nginx's configuration has no upstream ${upstream}`,
        next: [
            'Add this to the http block of nginx:',
            `    upstream ${upstream} { server 127.0.0.1:${ports[0]}; }`,
            'and in the location of the site that the app answers:',
            `    proxy_pass http://${upstream};`,
            names.length ? `Or name one of the upstreams that are there in the setting: ${names.join(', ')}.` : 'No upstream is there at all so far.',
        ].join('\n'),
        settings: ['nginx-upstream'],
    });
}
/**
 * All `server` lines of an upstream block, in order, those of included files too.
 * @throws DeployError when a block stands in it: a `;` was forgotten
 */
function serverLines(block, options) {
    const nested = block.block?.find((directive) => directive.block);
    if (nested)
        throw unreadable(nested.file, nested.line, 'a block inside an upstream');
    return (block.block ?? [])
        .filter((directive) => directive.name === 'server')
        .map((directive) => {
        const [text = '', ...parameters] = directive.args;
        const address = parseAddress(text);
        return {
            directive,
            address,
            slot: slotOf(address, options),
            down: parameters.includes('down'),
            backup: parameters.includes('backup'),
        };
    });
}
function slotOf(address, { ports, isLocal }) {
    if (!address || !isThisMachine(address.host, isLocal))
        return undefined;
    return address.port === ports[0] ? 'blue' : address.port === ports[1] ? 'green' : undefined;
}
/** Which slots get the traffic by these lines. */
function servingOf(lines) {
    const up = lines.filter((line) => line.slot && !line.down);
    const first = up.filter((line) => !line.backup);
    const slots = new Set((first.length ? first : up).map((line) => line.slot));
    if (slots.size === 2)
        return 'both';
    return slots.has('blue') ? 'blue' : slots.has('green') ? 'green' : 'none';
}
/** A directive without its block on one line: `server 127.0.0.1:9501 backup`. */
const directiveText = (directive) => [directive.name, ...directive.args].join(' ');
/**
 * The lines of the app's upstream that belong to a slot.
 * @throws DeployError that says what is there when no line has a slot's port on this machine
 */
function slotLines(block, lines, { upstream, ports }) {
    const ours = lines.filter((line) => line.slot);
    if (ours.length)
        return ours;
    const there = lines.map((line) => `${directiveText(line.directive)} (line ${line.directive.line})`).join(', ');
    throw new errors/* DeployError */.s({
        what: `The upstream ${upstream} at ${place(block)} has no server line with port ${ports[0]} or ${ports[1]} on this machine; it has ${there || 'no server line at all'}`,
        next: `Set the two ports that the app's slots use, or add the line "server 127.0.0.1:${ports[0]};" to the upstream.`,
        settings: ['ports', 'nginx-upstream'],
    });
}

;// CONCATENATED MODULE: ./src/nginx/variables.ts

/** Blocks that give a variable, their last argument, a value in each line. */
const TABLES = new Set(['map', 'geo', 'split_clients']);
/** Bounds for variables that refer to each other, or to themselves. */
const MOST_VALUES = 500;
const MOST_REFERENCES = 2000;
const DEEPEST_REFERENCE = 5;
const REFERENCE = /\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))/g;
const plainName = (text) => text.replace(/^\$/, '').toLowerCase();
/** The variables that a text refers to, in small letters. */
function references(text) {
    return [...text.matchAll(REFERENCE)].map((match) => (match[1] ?? match[2] ?? '').toLowerCase());
}
/** All values that `set`, `map`, `geo` and `split_clients` give to variables. */
function variablesOf(config) {
    const variables = new Map();
    for (const directive of walk(config.directives)) {
        const found = assignmentsOf(directive);
        if (found.length === 0)
            continue;
        const server = enclosing(directive, 'server');
        variables.set(server, [...(variables.get(server) ?? []), ...found]);
    }
    return variables;
}
function assignmentsOf(directive) {
    const { name, args, block } = directive;
    if (name === 'set' && args.length >= 2)
        return [{ variable: plainName(args[0] ?? ''), value: args[1] ?? '', directive }];
    if (!block || !TABLES.has(name))
        return [];
    const variable = plainName(args.at(-1) ?? '');
    return block
        .filter((entry) => entry.args.length === 1)
        .map((entry) => ({ variable, value: entry.args[0] ?? '', directive: entry }));
}
/**
 * What a text can be once its variables have their values, as far as the configuration says: unknown variables stay.
 * @param at the directive that holds the text; a `set` counts only in its own server block
 */
function expand(text, at, variables) {
    if (!text.includes('$'))
        return [text];
    const known = [undefined, enclosing(at, 'server')].flatMap((server) => variables.get(server) ?? []);
    return expandBy(text, known, DEEPEST_REFERENCE, { left: MOST_REFERENCES });
}
function expandBy(text, known, depth, budget) {
    let results = [''];
    let end = 0;
    for (const match of text.matchAll(REFERENCE)) {
        const variable = (match[1] ?? match[2] ?? '').toLowerCase();
        const values = (depth > 0 && budget.left-- > 0 ? known : [])
            .filter((one) => one.variable === variable)
            .flatMap((one) => expandBy(one.value, known, depth - 1, budget));
        const before = text.slice(end, match.index);
        const choices = values.length ? [...new Set(values)] : [match[0]];
        results = results.flatMap((result) => choices.map((choice) => result + before + choice)).slice(0, MOST_VALUES);
        end = match.index + match[0].length;
    }
    return results.map((result) => result + text.slice(end));
}

;// CONCATENATED MODULE: ./src/nginx/leads.ts





/** Ranks: what the path is worth as a question to the app's health path. */
const HEALTH = 0;
const PREFIX = 1;
const EXACT = 2;
const UNSURE = 3;
/** Added when nginx would answer this path from a location that does not lead to the app. */
const SHADOWED = 4;
/** Directives that hand a request to an app. */
const PASSES = new Set(['proxy_pass', 'grpc_pass', 'fastcgi_pass', 'uwsgi_pass', 'scgi_pass']);
/**
 * The best path that leads from a server block to the app's upstream, or undefined when none does.
 * @param variables the values of variables, for `proxy_pass http://$backend`
 */
function leadOf(server, upstream, healthPath, variables) {
    const passes = passesTo(server, upstream, variables).filter(({ location }) => !isInternal(location));
    const leading = new Set(passes.map(({ location }) => location));
    const byName = new Set(passes.map(({ location }) => location && parseLocation(location)).filter((one) => one?.kind === 'named').map((one) => one?.value));
    const ends = (location) => leading.has(location?.directive) || fallbacks(location ? [location.directive] : server.block ?? []).some((name) => byName.has(name));
    const leads = passes.flatMap((pass) => pathsOf(pass, server, healthPath)).map((lead) => {
        const shadowed = lead.rank < UNSURE && !ends(chosenLocation(server.block, lead.path));
        return { path: lead.path.startsWith('/') ? lead.path : `/${lead.path}`, rank: lead.rank + (shadowed ? SHADOWED : 0) };
    });
    return leads.reduce((best, lead) => (best && best.rank <= lead.rank ? best : lead), undefined);
}
/** The `*_pass` directives of a server block that lead to an upstream. */
function passesTo(server, upstream, variables) {
    return [...walk(server.block)].filter((directive) => PASSES.has(directive.name)).flatMap((directive) => {
        const text = directive.args[0] ?? '';
        const target = expand(text, directive, variables).map(parseTarget).find((one) => one && sameName(one.host, upstream));
        if (!target)
            return [];
        const mapped = directive.name === 'proxy_pass' && !/^\$(request_uri|uri)\b/.test(target.uri ?? '');
        const uri = mapped ? target.uri : undefined;
        return [{ directive, location: nearestLocation(directive), uri, fixed: uri !== undefined && text.includes('$') }];
    });
}
function nearestLocation(directive) {
    for (let at = directive.parent; at && at.name !== 'server'; at = at.parent)
        if (at.name === 'location')
            return at;
    return undefined;
}
/** Only nginx itself can ask an internal location. */
function isInternal(location) {
    return location?.block?.some((directive) => directive.name === 'internal') ?? false;
}
/** The named locations that these directives, or those in their blocks, fall back to. */
function fallbacks(directives) {
    return directives
        .flatMap((directive) => (directive.name === 'location' ? directive.block ?? [] : [directive]))
        .filter((directive) => directive.name === 'try_files' || directive.name === 'error_page')
        .map((directive) => directive.args.at(-1) ?? '')
        .filter((name) => name.startsWith('@'));
}
function pathsOf(pass, server, healthPath) {
    if (!pass.location)
        return [{ path: healthPath, rank: UNSURE }];
    const location = parseLocation(pass.location);
    if (location.kind !== 'named')
        return pathsInto(location, pass.uri, pass.fixed ? '' : healthPath);
    const users = [...walk(server.block)].filter((one) => one.name === 'location' && fallbacks([one]).includes(location.value));
    const leads = users.flatMap((user) => pathsInto(parseLocation(user), undefined, healthPath));
    if (fallbacks(server.block?.filter((one) => one.name !== 'location') ?? []).includes(location.value))
        leads.push({ path: healthPath, rank: HEALTH });
    return leads.length ? leads : [{ path: healthPath, rank: UNSURE }];
}
/**
 * The paths to ask for one location. With a URI part nginx puts it in the place of the prefix, so it is taken away and
 * the prefix put there; the bare prefix is the second choice.
 */
function pathsInto(location, uri, healthPath) {
    const { kind, value } = location;
    if (kind === 'exact')
        return [{ path: value, rank: EXACT }];
    if (kind !== 'prefix')
        return [{ path: healthPath || '/', rank: UNSURE }];
    const start = uri ?? value;
    const bare = { path: value, rank: PREFIX };
    return healthPath.startsWith(start) ? [{ path: value + healthPath.slice(start.length), rank: HEALTH }, bare] : [bare];
}

;// CONCATENATED MODULE: ./src/nginx/log-format.ts
/** nginx's own `combined` (ngx_http_log_module). */
const COMBINED = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';
/**
 * Variables that hold nothing but a few kinds of characters, whatever a visitor sends: what a bracket expression of theirs holds. `-` is
 * there where nginx writes it in place of nothing.
 */
const SHAPES = {
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
function shape(holds, names) {
    return Object.fromEntries(names.split(' ').map((name) => [name, holds]));
}
/** What no variable can hold: nginx escapes it. */
const CUTS = { default: /["\t]/, json: /["\t]/, none: /(?!)/ };
/**
 * Finds a place of `$status` that no visitor's text can be mistaken for: between two characters that nginx escapes in variables, and next to
 * nothing but fixed text and variables of a known shape.
 *
 * @param format the strings of `log_format`, joined
 * @returns undefined when the format has no `$status`, or none that can be told from what a visitor sends
 */
function statusPlace(format, escape) {
    const pieces = parseFormat(format);
    const literal = pieces.map((piece) => ('text' in piece ? piece.text : '')).join('');
    // A line end would make two lines of one; a backslash could be one of nginx's own.
    if (/[\n\r\\]/.test(literal))
        return undefined;
    if (escape === 'none' && pieces.some((piece) => 'variable' in piece && !SHAPES[piece.variable]))
        return undefined;
    const fields = log_format_cut(pieces, CUTS[escape]);
    for (const [index, field] of fields.entries()) {
        const at = field.findIndex((piece) => 'variable' in piece && piece.variable === 'status');
        if (at < 0)
            continue;
        const found = besides(field, at);
        if (found)
            return { escape, field: index + 1, fields: fields.length, ...found };
    }
    return undefined;
}
/** nginx's rule for names: letters, digits and `_`, in braces or not (ngx_http_log_compile_format). */
function parseFormat(format) {
    const pieces = [];
    let end = 0;
    for (const match of format.matchAll(/\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))/g)) {
        if (match.index > end)
            pieces.push({ text: format.slice(end, match.index) });
        pieces.push({ variable: match[1] ?? match[2] ?? '' });
        end = match.index + match[0].length;
    }
    if (end < format.length)
        pieces.push({ text: format.slice(end) });
    return pieces;
}
function log_format_cut(pieces, at) {
    const fields = [[]];
    for (const piece of pieces) {
        const parts = 'text' in piece ? piece.text.split(at).map((text) => ({ text })) : [piece];
        parts.forEach((part, index) => {
            if (index > 0)
                fields.push([]);
            if (!('text' in part) || part.text)
                fields.at(-1)?.push(part);
        });
    }
    return fields;
}
/** What stands between the field's edge and `$status`, if it can be followed without a doubt. */
function besides(field, at) {
    const left = expressions(field.slice(0, at), 'left');
    if (left)
        return { side: 'left', beside: left.length ? `^${left.join('')}` : '' };
    const right = expressions(field.slice(at + 1).reverse(), 'right');
    return right && { side: 'right', beside: right.length ? `${right.reverse().join('')}$` : '' };
}
/**
 * The pieces from the edge of a field inwards, as expressions. Each variable ends where the text after it begins: that text must be there,
 * and begin with a character that the variable cannot hold.
 */
function expressions(pieces, side) {
    const found = [];
    for (const [index, piece] of pieces.entries()) {
        if ('text' in piece) {
            found.push(literally(piece.text));
            continue;
        }
        const holds = SHAPES[piece.variable];
        const next = pieces[index + 1];
        if (!holds || !next || !('text' in next))
            return undefined;
        const edge = side === 'left' ? next.text.charAt(0) : next.text.slice(-1);
        if (new RegExp(`[${holds}]`).test(edge))
            return undefined;
        found.push(`[${holds}]*`);
    }
    return found;
}
/** Text as an expression of awk, without a backslash wherever that is possible: awks read them differently. */
function literally(text) {
    return text.replace(/[.[\]()*+?{}|$^]/g, (char) => (char === '^' ? '\\^' : `[${char}]`));
}

;// CONCATENATED MODULE: ./src/nginx/access-log.ts





/**
 * The access logs that the answers of the app stand in: of each place that passes requests to it, what is in force there (a level with an
 * `access_log` of its own replaces the outer ones; ngx_http_log_merge_loc_conf). Never throws: what cannot be counted is said.
 *
 * @param options `upstreams`: the names that lead to the app; `nginxV`: what `nginx -V` prints
 */
function accessLogs(config, options) {
    const variables = variablesOf(config);
    const servers = config.directives
        .filter(({ name }) => name === 'http')
        .flatMap((http) => (http.block ?? []).filter(({ name, block }) => name === 'server' && block));
    const passes = servers.map((server) => options.upstreams.flatMap((upstream) => passesTo(server, upstream, variables)));
    const own = servers.filter((_, at) => passes[at]?.length);
    const others = servers.filter((server) => !own.some((one) => one === server || sameSite(one, server)));
    const reader = new Reader(config, options.nginxV);
    const places = passes.flat().map(({ directive }) => reader.inForce(directive.parent));
    const elsewhere = new Set(others.flatMap((server) => reader.allBelow(server)).flatMap((one) => ('path' in one ? [one.path] : [])));
    const counted = new Map();
    const uncounted = new Set();
    for (const found of places) {
        const usable = found.filter((one) => 'path' in one);
        for (const { path, status } of usable)
            counted.set(JSON.stringify([path, status]), { path, status, shared: elsewhere.has(path) });
        // Of several logs of one place all hold the same answers.
        if (usable.length === 0)
            for (const one of found)
                if ('why' in one)
                    uncounted.add(one.why);
    }
    if (places.length === 0)
        uncounted.add(`no server block of nginx leads to ${options.upstreams.join(' or ')}`);
    // A health path whose answers are not written down is no loss beside a log that is.
    if (counted.size)
        for (const why of uncounted)
            if (why.startsWith(OFF))
                uncounted.delete(why);
    return { counted: [...counted.values()], uncounted: [...uncounted] };
}
const OFF = 'access_log is off';
/** The plain http server that sends visitors on to the app's own one, and the like. */
function sameSite(one, other) {
    const names = namesOf(one);
    return namesOf(other).some((name) => names.includes(name));
}
function namesOf(server) {
    return (server.block ?? []).filter(({ name }) => name === 'server_name').flatMap(({ args }) => args).filter((name) => name && name !== '_');
}
class Reader {
    nginxV;
    formats;
    constructor(config, nginxV) {
        this.nginxV = nginxV;
        const written = [...walk(config.directives)].filter(({ name, parent }) => name === 'log_format' && parent?.name === 'http');
        this.formats = new Map(written.map((directive) => [directive.args[0] ?? '', directive]));
    }
    /** The logs that hold the answers which are given in a block. */
    inForce(block) {
        for (let at = block; at; at = at.parent) {
            const written = ownLogs(at);
            if (written.length)
                return this.read(written);
        }
        // nginx's own default, auto/options in its sources.
        return [this.file(compiled_compiled(this.nginxV, 'http-log-path') ?? 'logs/access.log', 'combined', '')];
    }
    /** The logs of a server block and of all blocks in it. */
    allBelow(server) {
        return [...this.inForce(server), ...[...walk(server.block)].flatMap((block) => this.read(ownLogs(block)))];
    }
    read(written) {
        const off = written.find(({ args }) => args[0] === 'off');
        if (off)
            return [{ why: `${OFF} at ${place(off)}` }];
        return written.map((directive) => this.one(directive));
    }
    one(directive) {
        const [path = '', format = 'combined', ...parameters] = directive.args;
        const at = place(directive);
        if (path.startsWith('syslog:'))
            return { why: `the access log at ${at} goes to syslog` };
        if (path.includes('$'))
            return { why: `the access log at ${at} has a variable in its path` };
        if (/[\t\n]/.test(path))
            return { why: `the access log at ${at} has a path that cannot be followed` };
        if (parameters.some((one) => /^gzip(=|$)/.test(one)))
            return { why: `the access log at ${at} is compressed (gzip)` };
        if (parameters.some((one) => one.startsWith('if=')))
            return { why: `the access log at ${at} takes some of the answers only (if=)` };
        return this.file(path, format, at);
    }
    /** @param at where it is written; '' for the default */
    file(path, format, at) {
        const status = this.statusOf(format);
        if (status)
            return { path: workingPath(path, this.nginxV), status };
        return { why: `the access log at ${at} has the format ${format}, in which the status cannot be told from other text` };
    }
    statusOf(name) {
        const directive = this.formats.get(name);
        if (!directive)
            return name === 'combined' ? statusPlace(COMBINED, 'default') : undefined;
        const [, first = '', ...rest] = directive.args;
        const escape = /^escape=(default|json|none)$/.exec(first)?.[1];
        return statusPlace([...(escape ? [] : [first]), ...rest].join(''), escape ?? 'default');
    }
}
function ownLogs(block) {
    return (block.block ?? []).filter(({ name }) => name === 'access_log');
}

;// CONCATENATED MODULE: ./src/nginx/region.ts

/** Where `piece` stands in a text as whole lines: from a line's start to a line's end. */
function linesAt(text, piece) {
    const found = [];
    for (let at = text.indexOf(piece); at >= 0; at = text.indexOf(piece, at + 1)) {
        const end = at + piece.length;
        if ((at === 0 || text[at - 1] === '\n') && (end === text.length || text[end] === '\n'))
            found.push(at);
    }
    return found;
}
/**
 * The reference for what the host does: replaces one region of whole lines by another.
 * @throws DeployError when `from` is not there exactly once, from a line's start to a line's end
 */
function applyRegion(fileText, from, to) {
    const [at, another] = linesAt(fileText, from);
    if (at === undefined || another !== undefined) {
        throw new DeployError({
            what: `The app's upstream ${at === undefined ? 'is not in' : 'stands more than once in'} nginx's file as it was read before`,
            next: 'Somebody else may have changed the file meanwhile: look at it, then deploy again.',
            settings: [],
        });
    }
    return fileText.slice(0, at) + to + fileText.slice(at + from.length);
}
/**
 * The smallest run of whole lines around `start..end` that is found exactly once, whichever variant of it is in place.
 * It does not end with an empty line: a shell variable would lose it.
 * @param variants each gives the text `from..to` as it is in one variant
 * @returns offsets of the region, without the final line feed; undefined when there is no such run
 */
function findRegion(text, start, end, variants) {
    const bottom = lineEnd(text, Math.max(end, text.trimEnd().length));
    let from = start === 0 ? 0 : text.lastIndexOf('\n', start - 1) + 1;
    let to = lineEnd(text, end);
    const fits = () => /[^\r\n]\r?$/.test(text.slice(Math.max(from, to - 2), to)) &&
        variants.every((variant) => {
            const piece = variant(from, to);
            return linesAt(text.slice(0, from) + piece + text.slice(to), piece).length === 1;
        });
    for (let up = true; !fits(); up = !up) {
        if (from === 0 && to >= bottom)
            return undefined;
        if ((up && from > 0) || to >= bottom)
            from = from < 2 ? 0 : text.lastIndexOf('\n', from - 2) + 1;
        else
            to = lineEnd(text, to + 1);
    }
    return { from, to };
}
function lineEnd(text, at) {
    const newline = text.indexOf('\n', at);
    return newline < 0 ? text.length : newline;
}

;// CONCATENATED MODULE: ./src/nginx/server-lines.ts

const PLAIN = { text: ' down', index: 0, last: true };
/**
 * What makes these server lines serve one slot. With lines for one slot only, their port is replaced; with lines for
 * both, `down` moves from the new slot's lines to the other's. It is written on the one as it stood on the other, so
 * that a change there and back gives the same bytes.
 * @param lines the server lines that belong to a slot, all in `text`
 * @throws DeployError when a port is written in a way that cannot be replaced
 */
function changesFor(text, lines, slot, port) {
    const distinct = lines.filter((line, i) => lines.findIndex((other) => other.directive.start === line.directive.start) === i);
    if (distinct.every((line) => line.slot === distinct[0]?.slot)) {
        const allDown = distinct.every((line) => line.down);
        return distinct.flatMap((line) => [portChange(text, line, port), ...(allDown ? removals(text, line) : [])]);
    }
    const mine = distinct.filter((line) => line.slot === slot);
    const others = distinct.filter((line) => line.slot !== slot && !line.down);
    const styles = mine.filter((line) => line.down).map((line) => downStyle(text, line));
    return [
        ...mine.flatMap((line) => removals(text, line)),
        ...others.map((line, i) => addition(line, styles[Math.min(i, styles.length - 1)] ?? PLAIN)),
    ];
}
/** Applies changes, which do not overlap, to a piece of the text that starts at `offset`. */
function applyChanges(piece, offset, changes) {
    return [...changes]
        .sort((one, other) => other.start - one.start)
        .reduce((text, change) => text.slice(0, change.start - offset) + change.text + text.slice(change.end - offset), piece);
}
function portChange(text, { directive, address }, port) {
    const word = directive.words[1];
    const digits = word && /([0-9]+)["']?$/.exec(text.slice(word.start, word.end));
    if (!word || !digits || Number(digits[1]) !== address?.port) {
        throw unreadable(directive.file, directive.line, 'the port of this server line is written in an unusual way');
    }
    const start = word.start + digits.index;
    return { start, end: start + (digits[1]?.length ?? 0), text: String(port) };
}
/** Where each `down` of a line stands, with the white space in front of it. */
function downs(text, { directive }) {
    return directive.words.flatMap((word, index) => {
        const before = directive.words[index - 1];
        if (word.text !== 'down' || !before)
            return [];
        const between = text.slice(before.end, word.start);
        const comment = between.trimEnd();
        // The line feed that ends a comment stays, or the comment would take in what follows.
        const gap = comment ? between.slice(between.indexOf('\n', comment.length) + 1) : between;
        return [{ start: word.start - gap.length, end: word.end, gap: comment ? '' : gap, index }];
    });
}
function removals(text, line) {
    return downs(text, line).map(({ start, end }) => ({ start, end, text: '' }));
}
function downStyle(text, line) {
    const [down] = downs(text, line);
    if (!down)
        return PLAIN;
    const word = text.slice(down.start, down.end).trimStart();
    return { text: (down.gap || ' ') + word, index: down.index, last: down.index === line.directive.words.length - 1 };
}
/** Right after a word, never before the `;`: a comment may stand between them. */
function addition({ directive }, style) {
    const words = directive.words;
    const after = (style.last ? undefined : words[style.index - 1]) ?? words.at(-1);
    const at = after?.end ?? directive.end;
    return { start: at, end: at, text: style.text };
}

;// CONCATENATED MODULE: ./src/nginx/edit.ts





/** In bytes. The three variants travel in one environment variable of the host's steps, of which the kernel takes 128 KiB. */
const LARGEST_REGION = 20_000;
/**
 * Works out the change of the app's upstream for either slot, without changing anything.
 * @throws DeployError when the upstream is missing, twice there, has no slot's port, or stands so that a change of
 *   whole lines in one file cannot be told from other text
 */
function upstreamEdit(config, options) {
    const block = findUpstream(config, options);
    const all = serverLines(block, options);
    const lines = slotLines(block, all, options);
    const file = oneFile(lines, options.upstream);
    const text = config.files.get(file) ?? '';
    const inBlock = file === block.file;
    const starts = lines.map((line) => line.directive.start);
    const ends = lines.map((line) => line.directive.end);
    const [start, end] = inBlock ? [block.start, block.end] : [Math.min(...starts), Math.max(...ends)];
    const blueChanges = changesFor(text, lines, 'blue', options.ports[0]);
    const greenChanges = changesFor(text, lines, 'green', options.ports[1]);
    const region = (from, to) => text.slice(from, to);
    const blue = (from, to) => applyChanges(region(from, to), from, blueChanges);
    const green = (from, to) => applyChanges(region(from, to), from, greenChanges);
    const found = findRegion(text, start, end, [region, blue, green]);
    const line = inBlock ? block.line : Math.min(...lines.map(({ directive }) => directive.line));
    if (!found)
        throw notUnique(options.upstream, `${file}:${line}`);
    const { from, to } = found;
    if (region(from, to).includes('\uFFFD'))
        throw notText(options.upstream, `${file}:${line}`);
    if (Buffer.byteLength(region(from, to).replaceAll("'", "'\\''")) > LARGEST_REGION)
        throw tooLarge(options.upstream, `${file}:${line}`);
    return {
        file,
        line,
        serving: servingOf(all),
        region: region(from, to),
        blue: blue(from, to),
        green: green(from, to),
        address: { blue: addressOf(lines, 'blue'), green: addressOf(lines, 'green') },
        others: all.filter((other) => !other.slot).map((other) => directiveText(other.directive)),
    };
}
function addressOf(lines, slot) {
    return (lines.find((line) => line.slot === slot) ?? lines[0])?.address?.host ?? '';
}
function oneFile(lines, upstream) {
    const files = [...new Set(lines.map((line) => line.directive.file))];
    const [first, second] = files;
    if (first !== undefined && second === undefined)
        return first;
    throw new errors/* DeployError */.s({
        what: `The server lines of the upstream ${upstream} stand in several files: ${lines.map((line) => place(line.directive)).join(', ')}`,
        next: 'Put the lines of both slots into one of these files, so that one replacement of a file changes all of them.',
        settings: ['nginx-upstream'],
    });
}
function notUnique(upstream, where) {
    return new errors/* DeployError */.s({
        what: `The text of the upstream ${upstream} at ${where} cannot be told from a copy of itself in the same file`,
        next: 'Remove the copy, or put a comment of its own into one of the two.',
        settings: ['nginx-upstream'],
    });
}
function notText(upstream, where) {
    return new errors/* DeployError */.s({
        what: `The lines of the upstream ${upstream} at ${where} hold bytes that are not UTF-8`,
        next: 'Write the comments in these lines in UTF-8 or plain ASCII.',
        settings: ['nginx-upstream'],
    });
}
function tooLarge(upstream, where) {
    return new errors/* DeployError */.s({
        what: `The upstream ${upstream} at ${where} stands in lines that are too long to be replaced as a whole: more than ${LARGEST_REGION / 1000} kB`,
        next: 'Write the upstream in lines of its own, or its server lines in a file of their own that is included there.',
        settings: ['nginx-upstream'],
    });
}

;// CONCATENATED MODULE: ./src/nginx/facts.ts

const mainDirectives = (config, name) => config.directives.filter((directive) => directive.name === name && directive.args.length > 0);
/**
 * The file that holds the master process's id: the `pid` directive, else `--pid-path`, else /run/nginx.pid.
 * @param nginxV what `nginx -V` prints
 */
function masterPidFile(config, nginxV) {
    const path = mainDirectives(config, 'pid')[0]?.args[0] ?? compiled_compiled(nginxV, 'pid-path');
    return path === undefined ? '/run/nginx.pid' : workingPath(path, nginxV);
}
/**
 * The file that nginx's own errors go to: the first `error_log` of the main context that is a file, else
 * `--error-log-path`, else /var/log/nginx/error.log. Empty when they go to no file (stderr, syslog, memory).
 * @param nginxV what `nginx -V` prints
 */
function errorLogFile(config, nginxV) {
    const written = mainDirectives(config, 'error_log').map((directive) => directive.args[0] ?? '');
    const paths = written.length ? written : [compiled_compiled(nginxV, 'error-log-path') ?? '/var/log/nginx/error.log'];
    const file = paths.find((path) => path !== 'stderr' && !/^(syslog|memory):/.test(path));
    return file === undefined ? '' : workingPath(file, nginxV);
}
/**
 * The user that nginx's workers run as: the `user` directive, else `--user`, else `nobody`.
 * @param nginxV what `nginx -V` prints
 */
function workerUser(config, nginxV) {
    return mainDirectives(config, 'user')[0]?.args[0] ?? compiled(nginxV, 'user') ?? 'nobody';
}
/** The version that `nginx -V` names (`1.22.1`; of OpenResty and the like their own); empty when it names none. */
function nginxVersion(nginxV) {
    return / version: [^/\s]+\/([0-9][0-9A-Za-z.-]*)/.exec(nginxV)?.[1] ?? '';
}

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
;// CONCATENATED MODULE: ./src/nginx/managed.ts


/**
 * Can nginx follow `live` in this folder?
 *
 * @throws DeployError when the root's path cannot stand in nginx's configuration
 */
function checkRoot(root) {
    const why = rootProblem(root);
    if (why)
        throw new errors/* DeployError */.s({ what: why, next: 'Choose another root, or set switch: reload.', settings: ['root', 'switch'] });
}
/** Why nginx cannot follow `live` in this folder; '' when it can. */
function rootProblem(root) {
    return root.includes('$') ? `the folder ${root} has a "$" in its path, which nginx takes for a variable` : '';
}
/** The files of `switch: instant`: a pure function, so that survey can compare them with what is there. For a root that checkRoot takes. */
function managedFiles(options) {
    return options.listen === 'socket' ? forSocket(options) : forPorts(options);
}
function forPorts(options) {
    const { app, upstream, root, ports } = options;
    const [blue, green] = [`${upstream}-blue`, `${upstream}-green`];
    // Prefixed, since `$host` or `$args` are nginx's own; a variable's name has no `-` and no `.`.
    const variable = `$bluegreen_${app.replace(/[^A-Za-z0-9_]/g, '_')}`;
    const pool = atLeast(options.version, '1.15.3') ? ['    keepalive 32;', '    keepalive_timeout 1s;'] : [];
    const block = (name, mine, other) => [
        `upstream ${name} {`,
        `    server 127.0.0.1:${mine} max_fails=0;`,
        // Saves what nginx had assigned to a slot that was stopped meanwhile: an upload is read first, and sent then.
        `    server 127.0.0.1:${other} backup max_fails=0;`,
        ...pool,
        '}',
    ];
    const http = [...heading(options), ...block(blue, ports[0], ports[1]), ...block(green, ports[1], ports[0])];
    const probePath = `/.bluegreen/${app}`;
    const server = (sum) => [
        ...heading(options),
        'open_file_cache off;',
        'disable_symlinks off;',
        `proxy_redirect http://${blue}/ /;`,
        `proxy_redirect http://${green}/ /;`,
        `set ${variable} ${blue};`,
        `if (-f ${nginxWord(`${root}/live/green`)}) {`,
        `    set ${variable} ${green};`,
        '}',
        '# Which slot nginx uses: asked by each deploy, and told to this host only.',
        `location = ${probePath} {`,
        `    set ${variable}_from "$remote_addr $server_addr";`,
        `    if (${variable}_from !~ "^(?:127[.]|::1 |unix:|(\\S+) \\1$)") {`,
        '        return 404;',
        '    }',
        '    default_type text/plain;',
        `    return 200 "${app} ${variable} ${sum}\\n";`,
        '}',
    ];
    const sum = (0,external_node_crypto_.createHash)('sha256').update([...http, ...server('')].join('\n')).digest('hex').slice(0, 8);
    return {
        http: file(options, 'http', http),
        server: file(options, 'server', server(sum)),
        upstreams: [blue, green],
        proxyPass: `http://${variable}`,
        variable,
        probePath,
        probeAnswers: { blue: `${app} ${blue} ${sum}`, green: `${app} ${green} ${sum}` },
    };
}
/** The address of the live slot's socket, as an upstream has it. */
const socketLink = (root) => `unix:${root}/live/app.sock`;
/** nginx resolves the link at each connection. No pool: its connections would stay with the old slot. */
function forSocket(options) {
    const { upstream, root, ports, version } = options;
    const lines = [
        ...heading(options),
        `upstream ${upstream} {`,
        `    server ${nginxWord(socketLink(root))} max_fails=0;`,
        // A release from before the socket goes on serving until the next deploy.
        ...ports.map((port) => `    server 127.0.0.1:${port} backup max_fails=0;`),
        // Pooling became the default then.
        ...(atLeast(version, '1.29.7') ? ['    keepalive 0;'] : []),
        '}',
    ];
    return {
        http: file(options, 'http', lines),
        server: undefined,
        upstreams: [upstream],
        proxyPass: `http://${upstream}`,
        variable: '',
        probePath: '',
        probeAnswers: { blue: '', green: '' },
    };
}
function heading({ app, root }) {
    return [
        `# ${app}, written by bluegreen-action (command: setup). The switch is the link ${root}/live, which nginx`,
        '# follows by itself. To change something here, change the settings and run setup again.',
    ];
}
function file({ app, folder }, kind, lines) {
    return { path: `${folder}/bluegreen/${app}-${kind}.conf`, text: `${lines.join('\n')}\n`, include: `include bluegreen/${app}-${kind}.conf;` };
}
/** A word of nginx's configuration, in quotes where it needs them. */
function nginxWord(text) {
    return /^[A-Za-z0-9._/:@%+=,~-]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}
/** Whether a version such as `1.27.4` is that one or a later one; an unknown one is taken for a late one. */
function atLeast(version, least) {
    if (!/^\d/.test(version))
        return true;
    const [have, want] = [version, least].map((text) => text.split('.').map((part) => parseInt(part, 10) || 0));
    for (let at = 0; at < 3; at++) {
        const [one = 0, other = 0] = [have?.[at], want?.[at]];
        if (one !== other)
            return one > other;
    }
    return true;
}

;// CONCATENATED MODULE: ./src/nginx/trap.ts

/** Where a trap is, from the directive that is one. */
const at = ({ file, line }) => ({ file, line });
/** `file:line: what`, and how to mend it, for a warning. */
const trapText = ({ file, line, what, mend }) => `${file}:${line}: ${what}. ${mend}`;
/** The error for a configuration with which an instant switch would go wrong. */
function trapsError(traps) {
    return new errors/* DeployError */.s({
        step: 'survey',
        what: `an instant switch would go wrong with nginx's configuration as it is: ${traps.map(({ file, line, what }) => `${file}:${line}: ${what}`).join('; ')}`,
        next: mends(traps),
        settings: [...new Set([...traps.flatMap(({ setting }) => setting ?? []), 'switch', 'listen'])],
    });
}
/** One line for each thing to do, with all the places that want it. */
function mends(traps) {
    const places = new Map();
    for (const { file, line, mend } of traps)
        places.set(mend, [...(places.get(mend) ?? []), `${file}:${line}`]);
    return [...places].map(([mend, at]) => `${at.join(', ')}: ${mend}`).join('\n');
}

;// CONCATENATED MODULE: ./src/nginx/keepalive.ts


/** The first nginx with `keepalive_min_timeout` (its CHANGES, 05 Feb 2025). */
const SINCE = '1.27.4';
/**
 * Says once how `keepalive_min_timeout` takes the edge off a reload: at the first deploy, and when nginx has become another version. What the
 * directive does: nginx's documentation of ngx_http_core_module.
 *
 * @param versions today's (`1.27.4`; empty when it is not known) and the one at the last switch (empty before the first)
 * @returns no notice where nginx does not know the directive, or the configuration has it
 */
function keepaliveNotice(config, versions) {
    const { version, before } = versions;
    if (!version || !atLeast(version, SINCE) || version === before)
        return [];
    if ([...walk(config.directives)].some(({ name }) => name === 'keepalive_min_timeout'))
        return [];
    return [
        `nginx ${version} can lose fewer keep-alive requests at a reload: with \`keepalive_min_timeout 5s;\` in the http block the old workers keep idle connections open for that long, so that a client that is just writing is still served (the step drain then takes that much longer)`,
    ];
}

;// CONCATENATED MODULE: ./src/nginx/listeners.ts

const IMPLICIT = { directive: undefined, host: '0.0.0.0', port: 80, lastPort: 80, ssl: false, proxyProtocol: false, isDefault: false, udp: false };
/** Reads a `listen`: `80`, `*:80`, `127.0.0.1`, `[::]:443`, `8000-8010`; undefined for a Unix socket. */
function parseListen(directive) {
    const [text = '', ...parameters] = directive.args;
    const range = /^(.*?)([0-9]{1,9})-([0-9]{1,9})$/.exec(text);
    const single = range ? `${range[1]}${range[2]}` : text;
    const address = /^[0-9]{1,9}$/.test(single) ? { host: '*', port: Number(single) } : parseAddress(single);
    if (!address)
        return undefined;
    const port = address.port ?? 80;
    return {
        directive,
        host: address.host === '*' ? '0.0.0.0' : address.host,
        port,
        lastPort: range ? Number(range[3]) : port,
        ssl: parameters.includes('ssl'),
        proxyProtocol: parameters.includes('proxy_protocol'),
        isDefault: parameters.includes('default_server') || parameters.includes('default'),
        udp: parameters.includes('quic') || parameters.includes('udp'),
    };
}
/** The listeners of an http server block; without any `listen`, nginx (as root) listens on port 80. Sockets are left out. */
function listenersOf(server) {
    const listens = (server.block ?? []).filter((directive) => directive.name === 'listen');
    if (listens.length === 0)
        return [IMPLICIT];
    return listens.map(parseListen).filter((listener) => listener !== undefined);
}
/** Server blocks that listen on the same address and port share one socket, and with it its ssl and proxy_protocol. */
const socketOf = (listener) => `${listener.host.toLowerCase()}:${listener.port}`;

;// CONCATENATED MODULE: ./src/nginx/other-ways.ts







/** Directives beyond `*_pass` whose argument is an address that nginx connects to. */
const CONNECTING = new Set(['auth_http', 'ssl_ocsp_responder', 'endpoint', 'zone_sync_server']);
const connects = (directive) => directive.name.endsWith('_pass') || CONNECTING.has(directive.name);
/** A variable that is used in these only is shown to somebody, never connected to. */
const SHOWING = new Set(['add_header', 'add_trailer', 'more_set_headers', 'proxy_set_header', 'grpc_set_header', 'fastcgi_param', 'uwsgi_param', 'scgi_param', 'log_format', 'access_log', 'return', 'if']);
const DEFAULT_PORTS = { http: 80, https: 443, grpc: 80, grpcs: 443 };
/**
 * Every other way to a slot's port on this machine: direct addresses in `*_pass` and its like, also put together from
 * variables; values of variables; server lines of other upstreams; Lua code; and `listen`. Comments do not count.
 * @param own the upstreams whose server lines are the app's
 * @throws DeployError when these are not given, and the app's upstream is not there, or is there twice
 */
function otherWays(config, options, own = [findUpstream(config, options)]) {
    const names = new Set(upstreams(config).map((block) => block.args[0]?.toLowerCase()));
    const variables = variablesOf(config);
    const everything = [...walk(config.directives)];
    const slotPort = (host, port) => port !== undefined && options.ports.includes(port) && isThisMachine(host, options.isLocal);
    /** The port of a slot that this target is, or undefined. */
    const leadsTo = (text) => {
        const target = parseTarget(text);
        if (!target || (target.port === undefined && names.has(target.host.toLowerCase())))
            return undefined;
        if (!slotPort(target.host, target.port ?? DEFAULT_PORTS[target.scheme]))
            return undefined;
        const written = `${target.scheme && `${target.scheme}://`}${target.host}${target.port === undefined ? '' : `:${target.port}`}`;
        return { address: written + (target.uri ? '…' : '') };
    };
    const way = (directive, text, why) => ({ file: directive.file, line: directive.line, text, why });
    const direct = everything.filter(connects).flatMap((directive) => directive.args.flatMap((arg) => {
        const [found] = expand(arg, directive, variables).map(leadsTo).filter((one) => one !== undefined);
        return found ? [way(directive, `${directive.name} ${found.address}`, "goes straight to a slot's port")] : [];
    }));
    const values = [...variables.values()].flat().flatMap(({ variable, value, directive }) => {
        const found = leadsTo(value);
        if (!found || onlyShown(variable, everything))
            return [];
        return [way(directive, `$${variable} = ${found.address}`, "gives a variable a slot's address")];
    });
    const ownLines = new Set(own.flatMap((block) => serverLines(block, options)).map((line) => `${line.directive.file}:${line.directive.start}`));
    const pools = upstreams(config)
        .flatMap((block) => serverLines(block, options)
        // A file of server lines that is included in both is changed for both.
        .filter(({ slot, directive }) => slot && !ownLines.has(`${directive.file}:${directive.start}`))
        .map(({ directive }) => way(directive, `server ${directive.args[0]}`, `is in the upstream ${block.args[0]}, which is not the app's`)));
    const listens = everything
        .filter((directive) => directive.name === 'listen' && enclosing(directive, 'server'))
        .flatMap((directive) => {
        const listener = parseListen(directive);
        const taken = listener && !listener.udp && options.ports.some((port) => port >= listener.port && port <= listener.lastPort);
        if (!listener || !taken || !isThisMachine(listener.host, options.isLocal))
            return [];
        return [way(directive, `listen ${directive.args[0]}`, "makes nginx itself listen on a slot's port")];
    });
    const lua = everything.flatMap((directive) => {
        const found = codeOf(directive).flatMap((code) => luaAddresses(code)).find(({ host, port }) => slotPort(host, port));
        return found ? [way(directive, `${directive.name} ${found.host}:${found.port}`, "has Lua code with a slot's address")] : [];
    });
    return distinct([...direct, ...values, ...pools, ...listens, ...lua]);
}
/** Whether a variable is used, and only where its value is shown. Lua may read any variable. */
function onlyShown(variable, everything) {
    if (everything.some((directive) => codeOf(directive).length > 0))
        return false;
    const users = everything.filter((directive) => [directive.name, ...directive.args].some((word) => references(word).includes(variable)));
    const readers = users.filter((user) => !(['set', 'map', 'geo', 'split_clients'].includes(user.name) && !readsToo(user, variable)));
    return readers.length > 0 && readers.every((user) => SHOWING.has(user.name));
}
/** A `set` or `map` names the variable that it sets; it reads one when it stands in another place as well. */
function readsToo(directive, variable) {
    const sources = directive.name === 'set' ? directive.args.slice(1) : directive.args.slice(0, -1);
    return sources.some((source) => references(source).includes(variable));
}
function codeOf(directive) {
    if (directive.code !== undefined)
        return [luaWithoutComments(directive.code)];
    return directive.name.endsWith('_by_lua') ? directive.args.map(luaWithoutComments) : [];
}
/** Addresses in Lua, `"127.0.0.1:9501"` or `"127.0.0.1", 9501`. */
function luaAddresses(code) {
    const found = code.matchAll(/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+|::1)(?::|["']\s*,\s*["']?)([0-9]{1,5})(?![0-9])/g);
    return [...found].map((match) => parseAddress(`${match[1] === '::1' ? '[::1]' : match[1]}:${match[2]}`)).filter((one) => one !== undefined);
}
function distinct(ways) {
    const seen = new Map(ways.map((one) => [`${one.file}:${one.line} ${one.text}`, one]));
    return [...seen.values()].sort((one, other) => (one.file < other.file ? -1 : one.file > other.file ? 1 : one.line - other.line));
}
/**
 * Refuses a configuration with another way to a slot's port.
 * @param ownFile a file whose upstreams are the app's own too: of an instant switch that no site uses (yet)
 * @throws DeployError that names each file and line
 */
function refuseOtherWays(config, options, ownFile = '') {
    const written = upstreams(config).filter((block) => block.file === ownFile);
    const ways = otherWays(config, options, [findUpstream(config, options), ...written]);
    if (ways.length === 0)
        return;
    const listens = ways.some((one) => one.text.startsWith('listen '));
    throw new errors/* DeployError */.s({
        what: `nginx uses port ${options.ports.join(' or ')} of this machine in another way than by the upstream ${options.upstream}: ${ways
            .map((one) => `${one.file}:${one.line}: ${one.text} (${one.why})`)
            .join('; ')}`,
        next: 'After the switch such a place would point at a stopped app. ' +
            `If it belongs to another app, give this one two ports of its own; else let it lead to the upstream, for example \`proxy_pass http://${options.upstream};\`.` +
            (listens ? " A port that nginx listens on itself cannot be a slot's." : ''),
        settings: ['ports', 'nginx-upstream'],
    });
}

;// CONCATENATED MODULE: ./src/nginx/routes.ts




/**
 * The ways of a visitor to the app, best first: TLS, then port 80, then others; among them those whose location leads
 * surely to the app, and the default server. Sockets and QUIC are left out.
 * @param options the upstream's name, and the path that the health check asks for
 * @returns empty when no server block leads to the upstream
 */
function visitorRoutes(config, options) {
    const variables = variablesOf(config);
    return routesBy(config, (server) => leadOf(server, options.upstream, options.healthPath, variables));
}
/** The ways into the server blocks that `lead` has a path for, best first. */
function routesBy(config, lead) {
    const servers = httpServers(config);
    const sockets = socketsOf(servers);
    const candidates = servers.flatMap((server) => {
        const found = lead(server);
        return found ? listenersOf(server).filter((one) => !one.udp).map((one) => candidate(server, one, found, sockets)) : [];
    });
    return candidates.sort((one, other) => compare(one.order, other.order)).map(({ route }) => route);
}
/**
 * One way into each server block, those first that the host can ask.
 * @param curl whether the host has curl: without it only plain http can be asked
 */
function routesInto(routes, curl) {
    const easy = (route) => curl || (route.scheme === 'http' && !route.proxyProtocol);
    const ordered = [...routes.filter(easy), ...routes.filter((route) => !easy(route))];
    return ordered.filter((route, at) => ordered.findIndex(({ file, line }) => file === route.file && line === route.line) === at);
}
function socketsOf(servers) {
    const sockets = new Map();
    for (const server of servers) {
        for (const listener of listenersOf(server).filter((one) => !one.udp)) {
            const known = sockets.get(socketOf(listener));
            sockets.set(socketOf(listener), {
                ssl: listener.ssl || (known?.ssl ?? false),
                proxyProtocol: listener.proxyProtocol || (known?.proxyProtocol ?? false),
                defaultServer: listener.isDefault || !known ? server : known.defaultServer,
            });
        }
    }
    return sockets;
}
function candidate(server, listener, lead, sockets) {
    const socket = sockets.get(socketOf(listener));
    const tls = (socket?.ssl ?? listener.ssl) || sslIsOn(server);
    const route = {
        scheme: tls ? 'https' : 'http',
        connectTo: connectTo(listener.host),
        port: listener.port,
        serverName: serverName(server),
        path: lead.path,
        proxyProtocol: socket?.proxyProtocol ?? listener.proxyProtocol,
        file: server.file,
        line: server.line,
    };
    const usual = route.port === (tls ? 443 : 80);
    const isDefault = socket?.defaultServer === server;
    return {
        route,
        order: [
            tls ? 0 : usual ? 1 : 2,
            lead.rank,
            // Without a name only the default server is found.
            Number(!route.serverName && !isDefault),
            Number(route.proxyProtocol),
            Number(!isDefault),
            Number(!usual),
        ],
    };
}
function compare(one, other) {
    const differs = one.findIndex((value, i) => value !== other[i]);
    return differs < 0 ? 0 : (one[differs] ?? 0) - (other[differs] ?? 0);
}
function connectTo(host) {
    if (host === '0.0.0.0' || host.toLowerCase() === 'localhost')
        return '127.0.0.1';
    return host === '[::]' ? '[::1]' : host;
}
/** The old `ssl on;`, in the server block or for all of http. */
function sslIsOn(server) {
    const find = (block) => block?.find((directive) => directive.name === 'ssl');
    return (find(server.block) ?? find(server.parent?.block))?.args[0] === 'on';
}
/** The first plain name; `www.` for the star of a wildcard when there are only those. */
function serverName(server) {
    const names = [...walk(server.block)].filter((directive) => directive.name === 'server_name').flatMap((directive) => directive.args);
    const plain = names.find((name) => /^[^*~$._][^*~$]*$/.test(name));
    if (plain !== undefined)
        return plain;
    const wildcard = names.find((name) => /^(\*\.|\.)[^*~$]+$|^[^*~$]+\.\*$/.test(name)) ?? '';
    return wildcard.startsWith('.') ? wildcard.slice(1) : wildcard.replace(/^\*/, 'www').replace(/\*$/, 'com');
}

;// CONCATENATED MODULE: ./src/nginx/managed-files.ts



const RUN_SETUP = 'Run `command: setup`, which writes it again, or give the settings (ports, root, nginx-upstream) that it was written for.';
/** The directives of a file by the block that it is included in. */
function included(config, path) {
    const found = new Map();
    for (const directive of walk(config.directives)) {
        if (directive.file !== path || directive.parent?.file === path)
            continue;
        found.set(directive.parent, [...(found.get(directive.parent) ?? []), directive]);
    }
    return found;
}
/** What is wrong with the two files themselves: their text, and where they are included. */
function managedTraps(config, managed, passes) {
    const { http, server } = managed;
    return [
        ...textTraps(config, http),
        ...httpTraps(config, managed, passes),
        ...(server ? [...textTraps(config, server), ...serverTraps(config, managed, server, passes)] : []),
    ];
}
function textTraps(config, { path, text }) {
    const there = config.files.get(path);
    if (there === undefined || there === text)
        return [];
    const [have, want] = [there.split('\n'), text.split('\n')];
    const differs = have.findIndex((line, at) => line !== want[at]);
    return [{ file: path, line: (differs < 0 ? have.length : differs) + 1, what: 'the file is not as setup writes it with these settings', mend: RUN_SETUP }];
}
/** The upstreams have to be there, in http, and from no other file. */
function httpTraps(config, { http, upstreams: names }, passes) {
    const blocks = upstreams(config).filter((block) => block.parent?.name === 'http');
    const traps = [];
    for (const name of names) {
        const block = blocks.find((one) => sameName(one.args[0] ?? '', name));
        if (block && block.file !== http.path) {
            traps.push({ ...at(block), what: `the upstream ${name} is not in the file of setup, ${http.path}`, mend: `Remove it here, then run \`command: setup\`.` });
        }
    }
    const missing = names.filter((name) => !blocks.some((one) => sameName(one.args[0] ?? '', name)));
    const [first] = passes.filter(({ by }) => by === 'variable');
    if (missing.length && first) {
        traps.push({
            ...at(first.directive),
            what: `the upstream${missing.length > 1 ? 's' : ''} ${missing.join(' and ')}, which this leads to, ${missing.length > 1 ? 'are' : 'is'} not at the level of http: nginx answers 502`,
            mend: config.files.has(http.path) ? `Move \`${http.include}\` to the level of http.` : `Write \`${http.include}\` at the level of http, or run \`command: setup\`.`,
        });
    }
    return traps;
}
/** Each server block that uses the variable has to include what sets it, itself. */
function serverTraps(config, managed, file, passes) {
    const blocks = included(config, file.path);
    const traps = [];
    for (const [block, [first]] of blocks) {
        if (!block || !first || block.name === 'server')
            continue;
        traps.push({
            ...at(block),
            what: `${file.path} is included in this ${block.name}: ${managed.variable} is not set outside of it`,
            mend: `Move \`${file.include}\` to the first line of the server block.`,
        });
    }
    const seen = new Set();
    for (const { by, directive, server, text } of passes) {
        if (by !== 'variable' || blocks.has(server) || seen.has(server))
            continue;
        seen.add(server);
        traps.push({
            ...at(directive),
            what: `${text}, but this server block does not include ${file.path}: nginx answers 500`,
            mend: `Write \`${file.include}\` as the first line of the server block at ${place(server)}.`,
        });
    }
    return traps;
}

;// CONCATENATED MODULE: ./src/nginx/in-force.ts
/**
 * The directives of this name that hold for another directive: those of the innermost block around it that has any, as nginx
 * inherits `proxy_set_header`, `proxy_redirect` and their like.
 */
function inForce(at, name) {
    for (let block = at.parent; block; block = block.parent) {
        const found = (block.block ?? []).filter((directive) => directive.name === name);
        if (found.length)
            return found;
    }
    return [];
}
/** The `error_page` directives that hold for a directive name this status. */
function hasErrorPage(at, status) {
    return inForce(at, 'error_page').some(({ args }) => args.includes(status));
}

;// CONCATENATED MODULE: ./src/nginx/passes.ts






/** The name of a variable, in small letters, without `$`: nginx does not tell large letters from small ones. */
const variableName = (variable) => variable.replace(/^\$/, '').toLowerCase();
/**
 * All passes that lead to the app, in http, each once for each way that its variables allow.
 * @param variables the values of all variables
 */
function appPasses(config, managed, options, variables) {
    const name = variableName(managed.variable);
    // The variable itself stays in the text, whether or not this server block sets it.
    const others = new Map([...variables].map(([server, all]) => [server, all.filter(({ variable }) => variable !== name)]));
    return httpServers(config).filter((server) => !answersItself(server)).flatMap((server) => [...walk(server.block)]
        .filter((directive) => PASSES.has(directive.name) && enclosing(directive, 'server') === server)
        .flatMap((directive) => {
        const found = expand(directive.args[0] ?? '', directive, others).flatMap((text) => leading(text, name, managed, options) ?? []);
        const kinds = new Map(found.map((one) => [`${one.by} ${one.scheme} ${one.rest}`, one]));
        return [...kinds.values()].map((one) => ({ ...one, directive, server, text: `${directive.name} ${one.text}` }));
    }));
}
/** Whether a server block answers every request by a `return` of its own: a redirect to TLS, say. What else it has is never asked. */
function answersItself(server) {
    const directives = server.block ?? [];
    const at = directives.findIndex(({ name }) => name === 'return');
    const found = directives[at];
    return found !== undefined && !hasErrorPage(found, found.args[0] ?? '') && !directives.slice(0, at).some(ender);
}
/** The directive by which nginx leaves a server block's own rewriting before its end, with or without a condition. */
function ender(directive) {
    const { name, args, block } = directive;
    if (name === 'if')
        return block?.map((one) => (one.name === 'return' && !hasErrorPage(one, one.args[0] ?? '') ? undefined : ender(one))).find(Boolean);
    if (name === 'break' || name === 'return')
        return directive;
    return name === 'rewrite' && /^(last|break)$/.test(args[2] ?? '') ? directive : undefined;
}
function leading(text, name, managed, options) {
    const variable = name && /^(?:([^:/]+):\/\/)?(\$(?:\{(\w+)\}|(\w+)))(.*)$/s.exec(text);
    if (variable && (variable[3] ?? variable[4] ?? '').toLowerCase() === name) {
        const [, scheme = '', written = '', , , rest = ''] = variable;
        return { by: 'variable', scheme: scheme.toLowerCase(), rest, text: shown(scheme, written, rest) };
    }
    const target = parseTarget(text);
    if (!target)
        return undefined;
    const rest = `${target.port === undefined ? '' : `:${target.port}`}${target.uri ?? ''}`;
    const by = leadsBy(target, managed, options);
    return by && { by, scheme: target.scheme, rest: by === 'port' ? (target.uri ?? '') : rest, text: shown(target.scheme, target.host, rest) };
}
function leadsBy(target, managed, options) {
    if (sameName(target.host, options.upstream))
        return 'upstream';
    if (managed.upstreams.some((name) => sameName(target.host, name)))
        return 'slot';
    const atPort = target.port !== undefined && options.ports.includes(target.port);
    return atPort && isThisMachine(target.host, options.isLocal) ? 'port' : undefined;
}
/** A port is shown, the rest is not. */
function shown(scheme, host, rest) {
    const [, port = '', more = ''] = /^(:[0-9]+)?(.*)$/s.exec(rest) ?? [];
    return `${scheme && `${scheme}://`}${host}${port}${more ? '…' : ''}`;
}

;// CONCATENATED MODULE: ./src/nginx/traps.ts










/** Everything about a set-up configuration with which an instant switch would go wrong, but for the managed files themselves. */
function instantTraps(config, managed, passes, options) {
    const others = waysBeside(config, managed, options);
    if (!managed.variable)
        return [...handMadeSocket(config, managed, options), ...others];
    const known = new Set(others.map(({ file, line }) => `${file}:${line}`));
    const servers = [...new Set(passes.filter(({ by }) => by === 'variable').map(({ server }) => server))];
    return [
        ...passes.filter((pass) => !known.has(place(pass.directive))).flatMap((pass) => passTraps(pass, managed)),
        ...servers.flatMap((server) => traps_serverTraps(config, server, managed)),
        ...otherSetters(config, managed, passes),
        ...others,
    ];
}
/** A slot's port that is reached without the upstreams that follow `live`. */
function waysBeside(config, managed, options) {
    const names = [options.upstream, ...managed.upstreams];
    const own = upstreams(config).filter((block) => block.parent?.name === 'http' && names.some((name) => sameName(block.args[0] ?? '', name)));
    return otherWays(config, options, own).map((way) => ({
        ...at(way),
        what: `${way.text} ${way.why}, which an instant switch does not change`,
        mend: mendOfWay(way.text, managed),
        setting: 'ports',
    }));
}
/** An upstream that is not the app's is mostly another app's, whose requests must not be led here. */
function mendOfWay(text, { proxyPass }) {
    if (text.startsWith('listen '))
        return "Give the app's slots other ports.";
    if (text.startsWith('server '))
        return `If that upstream belongs to another app, give this one two ports of its own (setting ports). Else let what uses it lead to the app by \`${proxyPass}\`, and remove the line.`;
    return `Let it lead to the app by \`${proxyPass}\`. If it belongs to another app, give this one two ports of its own (setting ports).`;
}
/** What a pass itself says. */
function passTraps(pass, managed) {
    const { directive, by, text } = pass;
    const trap = (what, mend) => [{ ...at(directive), what: `${text}: ${what}`, mend }];
    const plain = `Write \`proxy_pass ${managed.proxyPass};\`.`;
    if (by === 'slot')
        return trap('always leads to this one slot, whichever is live', plain);
    if (by === 'upstream')
        return trap('leads to an upstream that an instant switch does not change', `${plain} In its server block, \`${managed.server?.include}\` has to be the first line.`);
    if (by === 'port')
        return trap("goes straight to a slot's port, which an instant switch does not change", plain);
    return [...shapeTraps(pass, managed), ...redirectTraps(pass, managed)];
}
/** The scheme, and what follows the name. */
function shapeTraps({ directive, scheme, rest, text }, managed) {
    const trap = (what, mend) => [{ ...at(directive), what: `${text}: ${what}`, mend }];
    const plain = `Write \`proxy_pass ${managed.proxyPass};\`.`;
    if (directive.name !== 'proxy_pass' || scheme !== 'http') {
        return trap('an instant switch serves `proxy_pass http://` only', `${plain} Or set switch: reload, for an app that speaks something else.`);
    }
    if (rest.startsWith(':'))
        return trap('with a port nginx does not find the upstream and answers 502', plain);
    if (!rest || followsPath(rest, directive))
        return [];
    return trap("nginx asks for what follows the name, whatever the visitor's path, since the name is a variable", mendOfUri(rest, directive, managed.proxyPass));
}
/** Whether the URI part has the visitor's path in it, as far as one can see. In an exact location there is only one path. */
function followsPath(rest, directive) {
    const used = references(rest);
    const query = used.some((name) => ['args', 'query_string', 'request_uri'].includes(name));
    const location = enclosing(directive, 'location');
    if (location && parseLocation(location).kind === 'exact')
        return query;
    return used.some((name) => !['args', 'query_string', 'is_args'].includes(name));
}
/** How to write the same without a URI part. */
function mendOfUri(rest, directive, proxyPass) {
    const location = enclosing(directive, 'location');
    const { kind, value } = location ? parseLocation(location) : { kind: 'regex', value: '' };
    if (kind === 'prefix' && value === rest)
        return `Write \`proxy_pass ${proxyPass};\`.`;
    if (kind === 'exact')
        return `Write \`$is_args$args\` at its end.`;
    if (kind === 'prefix' && !rest.includes('$')) {
        return `Write \`rewrite ^${traps_escaped(value)}(.*)$ ${rest}$1 break;\` and after it \`proxy_pass ${proxyPass};\`.`;
    }
    return `Put the path together with \`rewrite … break;\`, and after it write \`proxy_pass ${proxyPass};\`.`;
}
const traps_escaped = (path) => path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
/** Whether the app is told another host than the upstream's name, so that it writes no redirects to that one. */
function tellsHost(pass) {
    const host = inForce(pass, 'proxy_set_header').find(({ args }) => args[0]?.toLowerCase() === 'host');
    return host !== undefined && !references(host.args[1] ?? '').includes('proxy_host');
}
/** A location with a `proxy_redirect` of its own does not get ours. It matters where the app knows the upstream's name. */
function redirectTraps({ directive, text }, { server, upstreams: names }) {
    const own = inForce(directive, 'proxy_redirect').filter(({ file }) => file !== server?.path);
    const [first] = own;
    if (!first || first.args[0] === 'off' || tellsHost(directive) || inForce(directive, 'proxy_redirect').length > own.length)
        return [];
    const missing = names.filter((name) => !own.some(({ args }) => args[0] === `http://${name}/`));
    if (missing.length === 0)
        return [];
    return [
        {
            ...at(first),
            what: `proxy_redirect takes the place of setup's for ${text}: visitors would be redirected to http://${missing[0]}/`,
            mend: `Write beside it: \`${missing.map((name) => `proxy_redirect http://${name}/ /;`).join(' ')}\` — or tell the app the host: \`proxy_set_header Host $host;\`.`,
        },
    ];
}
/** What in a server block keeps the variable from being set, or the probe from being answered. */
function traps_serverTraps(config, server, managed) {
    const file = managed.server;
    const directives = server.block ?? [];
    const [first] = (file && included(config, file.path).get(server)) ?? [];
    if (!file || !first)
        return [];
    const traps = directives.slice(0, directives.indexOf(first)).flatMap((directive) => {
        const ends = ender(directive);
        if (!ends)
            return [];
        const what = `${ends.name} comes before ${file.path} is included: nginx does not set ${managed.variable} then, and answers 500`;
        return [{ ...at(ends), what, mend: `Make \`${file.include}\` the first line of the server block at ${place(server)}.` }];
    });
    return traps.length ? traps : probeTraps(directives, managed);
}
/** What answers the probe in the place of the probe's location. */
function probeTraps(directives, { probePath }) {
    const taker = directives.find(({ name, args }) => name === 'return' || (name === 'rewrite' && matches(args[0] ?? '', probePath)));
    if (!taker)
        return [];
    const what = `${taker.name} takes ${probePath} too, by which a deploy asks which slot nginx uses`;
    const mend = taker.name === 'return' ? 'Put it into a location.' : `Let its expression leave that path out, by beginning with \`^(?!/\\.bluegreen/)\`, or put it into a location.`;
    return [{ ...at(taker), what, mend }];
}
/** nginx's expressions are PCRE: one that JavaScript cannot read matches nothing here. */
function matches(expression, path) {
    try {
        return new RegExp(expression).test(path);
    }
    catch {
        return false;
    }
}
/** Two apps whose names differ only in signs that a variable cannot have (`my-shop`, `my_shop`), or a `set` by hand. */
function otherSetters(config, managed, passes) {
    const name = variableName(managed.variable);
    const leading = new Set(passes.map(({ server }) => server));
    const locations = new Set(passes.map(({ directive }) => enclosing(directive, 'location')));
    const counts = (directive) => {
        const location = enclosing(directive, 'location');
        return !location || locations.has(location);
    };
    return httpServers(config)
        .filter((server) => leading.has(server))
        .flatMap((server) => [...walk(server.block)])
        .filter((one) => one.file !== managed.server?.path && /set/.test(one.name) && /^\$/.test(one.args[0] ?? '') && variableName(one.args[0] ?? '') === name && counts(one))
        .map((one) => ({
        ...at(one),
        what: `${one.name} ${managed.variable} gives another value to the variable that follows the live slot`,
        mend: 'Remove it. Two apps of one server block need names that differ in more than "-", "." and "_".',
    }));
}
/** An upstream for the socket that was written by hand. */
function handMadeSocket(config, managed, options) {
    const block = upstreams(config).find((one) => one.parent?.name === 'http' && sameName(one.args[0] ?? '', options.upstream));
    if (!block || block.file === managed.http.path)
        return [];
    const keepalive = (block.block ?? []).filter(({ name, args }) => name === 'keepalive' && args[0] !== '0');
    const servers = serverLines(block, options).filter(({ directive, backup, down }) => !backup && !down && directive.args[0] !== socketLink(options.root));
    return [
        ...keepalive.map((one) => ({ ...at(one), what: 'keepalive: connections that nginx keeps stay with the old slot after a switch', mend: 'Remove the line.' })),
        ...servers.map(({ directive }) => ({ ...at(directive), what: `server ${directive.args[0]} gets requests too, whichever slot is live`, mend: 'Remove the line.' })),
    ];
}

;// CONCATENATED MODULE: ./src/nginx/instant-warnings.ts






/** What a person has to know of a configuration that is set up with the variable; sockets have nothing of this kind. */
function instantWarnings(managed, passes) {
    const ours = passes.filter(({ by }) => by === 'variable');
    const servers = [...new Set(ours.map(({ server }) => server))];
    return [
        ...instant_warnings_distinct(ours.map(({ directive }) => directive)).flatMap((pass) => [...hostWarning(pass, managed), ...cacheWarning(pass, managed), ...nextWarning(pass)]),
        ...servers.flatMap((server) => [...lostRedirects(server, managed), ...lostDefaults(server, managed, new Set(ours.map(({ directive }) => directive)))]),
    ];
}
const instant_warnings_distinct = (directives) => [...new Set(directives)];
function hostWarning(pass, { upstreams: [name = ''] }) {
    if (tellsHost(pass))
        return [];
    return [
        {
            ...at(pass),
            what: `no proxy_set_header Host holds here: the app sees \`Host: ${name}\`, another one after each switch`,
            mend: 'Write `proxy_set_header Host $host;` beside it.',
        },
    ];
}
/** nginx's default key is `$scheme$proxy_host$request_uri`, with the upstream's name in it. */
function cacheWarning(pass, { variable }) {
    const [cache] = inForce(pass, 'proxy_cache');
    if (!cache || cache.args[0] === 'off')
        return [];
    const [key] = inForce(pass, 'proxy_cache_key');
    const used = references(key?.args.join(' ') ?? '$proxy_host');
    if (!used.some((name) => ['proxy_host', 'upstream_addr', variableName(variable)].includes(name)))
        return [];
    return [
        {
            ...at(key ?? cache),
            what: key ? "proxy_cache_key has the upstream's name in it: the cache is cold after each switch" : "proxy_cache without proxy_cache_key: nginx's own key has the upstream's name in it, so the cache is cold after each switch",
            mend: 'Write `proxy_cache_key $scheme$host$request_uri;`.',
        },
    ];
}
/** The other slot's line in the upstream saves what was assigned to a slot that is stopped meanwhile. */
function nextWarning(pass) {
    const lost = 'an upload that began before a switch is answered with 502 when the old slot has been stopped';
    const [next] = inForce(pass, 'proxy_next_upstream');
    if (next && !next.args.includes('error')) {
        return [{ ...at(next), what: `proxy_next_upstream ${next.args.join(' ')}: ${lost}`, mend: 'Write `error` into it.' }];
    }
    const [tries] = inForce(pass, 'proxy_next_upstream_tries');
    return tries?.args[0] === '1' ? [{ ...at(tries), what: `proxy_next_upstream_tries 1: ${lost}`, mend: 'Allow 2 tries.' }] : [];
}
/** Of http's own `proxy_redirect`s none holds in a server block that has some: ours. */
function lostRedirects(server, { server: file }) {
    const own = (server.block ?? []).filter(({ name }) => name === 'proxy_redirect');
    const lost = inForce(server, 'proxy_redirect').filter(({ args }) => args[0] !== 'off' && !own.some((one) => one.args.join(' ') === args.join(' ')));
    if (!own.some((one) => one.file === file?.path))
        return [];
    return lost.map((one) => ({
        ...at(one),
        what: `this proxy_redirect does not hold in the server block at ${server.file}:${server.line}, which has some of its own by ${file?.path}`,
        mend: 'Repeat it there.',
    }));
}
/** Places of the server block that lead elsewhere, and had nginx's own `proxy_redirect default` until ours came. */
function lostDefaults(server, { server: file }, ours) {
    return [...walk(server.block)]
        .filter((one) => one.name === 'proxy_pass' && !ours.has(one) && !(one.args[0] ?? '').includes('$') && enclosing(one, 'server') === server)
        .filter((one) => {
        const redirects = inForce(one, 'proxy_redirect');
        return redirects.length > 0 && redirects.every((redirect) => redirect.file === file?.path) && inForce(server, 'proxy_redirect').length === 0;
    })
        .map((one) => ({
        ...at(one),
        what: `beside ${file?.path} nginx no longer mends redirects of what this proxy_pass leads to`,
        mend: 'Write `proxy_redirect default;` after it, in the same location.',
    }));
}

;// CONCATENATED MODULE: ./src/nginx/instant.ts








/**
 * Whether nginx is set up for `switch: instant`, as far as its files say: what runs is asked by the probes.
 * @param config what `nginx -T` prints, read
 */
function readInstant(config, managed, options) {
    const passes = appPasses(config, managed, options, variablesOf(config));
    const why = managed.variable ? whyNotByVariable(passes, managed) : whyNotBySocket(config, passes, managed, options);
    if (why)
        return { setUp: false, why, traps: [], warnings: [], probes: [] };
    const probes = probesOf(config, managed, passes, options);
    return {
        setUp: true,
        why: '',
        traps: [...managedTraps(config, managed, passes), ...instantTraps(config, managed, passes, options)].sort(byPlace),
        warnings: [...instantWarnings(managed, passes), ...unasked(passes, probes)].sort(byPlace),
        probes,
    };
}
/** Server blocks that no address leads to. */
function unasked(passes, probes) {
    const servers = new Set(passes.filter(({ by }) => by === 'variable').map(({ server }) => server));
    return [...servers]
        .filter(({ file, line }) => !probes.some((route) => route.file === file && route.line === line))
        .map(({ file, line }) => ({
        file,
        line,
        what: 'this server block listens on Unix sockets or UDP only: it cannot be asked which slot nginx uses',
        mend: 'Write `listen 127.0.0.1:<a free port>;` into it, if that is to be proved for it too.',
    }));
}
/** By file, then by line. */
function byPlace(one, other) {
    return one.file === other.file ? one.line - other.line : one.file < other.file ? -1 : 1;
}
function whyNotByVariable(passes, managed) {
    return passes.some(({ by }) => by === 'variable') ? '' : `no server block has \`proxy_pass ${managed.proxyPass};\``;
}
function whyNotBySocket(config, passes, managed, { upstream, root }) {
    const link = socketLink(root);
    const block = upstreams(config).find((one) => one.parent?.name === 'http' && sameName(one.args[0] ?? '', upstream));
    if (!block?.block?.some((one) => one.name === 'server' && one.args[0] === link))
        return `no upstream ${upstream} has the line \`server ${link};\``;
    return passes.some(({ by }) => by === 'upstream') ? '' : `no server block has \`proxy_pass ${managed.proxyPass};\``;
}
function probesOf(config, managed, passes, { curl }) {
    const leading = new Set(passes.filter(({ by }) => by === 'variable').map(({ server }) => server));
    return routesInto(routesBy(config, (server) => (leading.has(server) ? { path: managed.probePath, rank: 0 } : undefined)), curl);
}

;// CONCATENATED MODULE: ./src/engine/instant-facts.ts





/** Looks for the managed files of either form in the configuration. Nothing is refused yet but a root that the settings do not go with. */
function readInstantSwitch(settings, facts, config, ports) {
    const problem = rootProblem(settings.root);
    if (settings.switch === 'instant' || settings.listen === 'socket')
        checkRoot(settings.root);
    const read = (listen) => {
        const managed = managedFilesFor(settings, facts, config, ports, listen);
        const found = readInstant(config, managed, instantOptions(settings, facts, ports));
        return { form: found.setUp && !problem ? listen : '', why: problem || found.why, managed, facts: found };
    };
    const socket = read('socket');
    return socket.form || (settings.listen === 'socket' && settings.switch !== 'reload') ? socket : read('port');
}
/** What reading the configuration needs to know of the app and the host. */
function instantOptions(settings, facts, ports) {
    return { upstream: settings.nginxUpstream, ports, isLocal: (address) => facts.addresses.includes(address), root: settings.root, curl: facts.tools.has('curl') };
}
/** The managed files as they should be on this host. */
function managedFilesFor(settings, facts, config, ports, listen) {
    const { app, root, nginxUpstream: upstream } = settings;
    return managedFiles({ app, root, listen, upstream, ports, folder: (0,external_node_path_.dirname)(config.main), version: nginxVersion(facts.nginx.version) });
}
/**
 * What nginx is set up for and where the release listens have to fit.
 *
 * @param listen where the release that gets the traffic listens
 * @throws DeployError when they do not
 */
function checkListen(settings, facts, { form, why }, listen) {
    if (listen === 'socket' && form !== 'socket')
        throw notSetUp(settings, why);
    // What listens on a port is reached by the backup lines then, which tell two such releases not apart.
    const live = facts.live && facts.slots[facts.live];
    if (form === 'socket' && listen === 'port' && live && live.listen === 'port') {
        throw new errors/* DeployError */.s({
            step: 'survey',
            what: `nginx is set up for an app that listens on a Unix socket, and this release listens on a port`,
            next: 'Set listen: socket (the app listens on $SOCKET then), or run command: setup with listen: port first.',
            settings: ['listen'],
        });
    }
}
/** The error of a host that is not prepared for what the settings ask for. */
function notSetUp(settings, why) {
    const wanted = settings.listen === 'socket' ? 'listen: socket' : 'switch: instant';
    return new errors/* DeployError */.s({
        step: 'survey',
        what: `nginx is not set up for ${wanted} of ${settings.app}: ${why}`,
        next: `Run once with command: setup${settings.listen === 'socket' ? ' and listen: socket' : ''}: it prepares nginx when it logs in as root, else it prints what to do as root. Without that, ${settings.listen === 'socket' ? 'let the app listen on $PORT (listen: port)' : 'leave out switch, and nginx is reloaded at each switch'}.`,
        settings: ['switch', 'listen'],
    });
}

;// CONCATENATED MODULE: ./src/engine/nginx-facts.ts













/**
 * Reads the configuration that nginx has on disk, and refuses what a switch could not be safe with.
 *
 * @param ports as they are in force, blue and green
 * @param listen where the release that gets the traffic listens
 * @throws DeployError naming file and line
 */
function readNginx(settings, facts, ports, listen) {
    const { nginx } = facts;
    const config = loadedConfig(facts);
    const options = { upstream: settings.nginxUpstream, ports, isLocal: (address) => facts.addresses.includes(address) };
    const found = readInstantSwitch(settings, facts, config, ports);
    checkListen(settings, facts, found, listen);
    const common = {
        pidFile: masterPidFile(config, asCalled(nginx)),
        errorLog: errorLogFile(config, asCalled(nginx)),
        folder: (0,external_node_path_.dirname)(config.main),
    };
    if (found.form)
        return { ...common, ...following(settings, facts, config, found) };
    if (settings.switch === 'instant')
        throw notSetUp(settings, found.why);
    const edit = upstreamEdit(config, options);
    refuseOtherWays(config, options, found.managed.http.path);
    checkWritable(settings, facts, config, edit);
    return {
        ...common,
        mode: 'reload',
        why: settings.switch === 'reload' ? 'the setting switch says so' : rootProblem(settings.root) || `${found.why} (command: setup makes the switch instant)`,
        follows: false,
        edit,
        probes: [],
        probeAnswers: { blue: '', green: '' },
        serving: edit.serving,
        address: edit.address,
        route: settings.verifyUrl ? undefined : visitorRoute(settings, facts, config, [settings.nginxUpstream]),
        warnings: edit.others.length ? [`the upstream ${settings.nginxUpstream} has other servers, which stay as they are: ${edit.others.join(' ')}`] : [],
        logs: accessLogs(config, { upstreams: [settings.nginxUpstream], nginxV: asCalled(nginx) }),
        notices: keepaliveNotice(config, { version: nginxVersion(nginx.version), before: nginx.versionBefore }),
    };
}
/**
 * The configuration as it is on disk, of an nginx that runs.
 *
 * @throws DeployError when it cannot be read, or nginx does not run
 */
function loadedConfig(facts) {
    const { nginx } = facts;
    if (nginx.status !== 0 || !nginx.dump)
        throw cannotRead(facts);
    if (!nginx.running) {
        throw new errors/* DeployError */.s({
            step: 'survey',
            what: 'nginx is not running',
            next: 'Start it (for example: systemctl start nginx). Nothing was changed.',
            settings: ['nginx-command'],
        });
    }
    return readConfig(nginx.dump);
}
/** nginx is set up to follow `live`: there is no line to edit. */
function following(settings, facts, config, found) {
    const { managed, form } = found;
    if (found.facts.traps.length)
        throw trapsError(found.facts.traps);
    const asked = settings.switch === 'reload';
    return {
        mode: asked ? 'reload' : 'instant',
        why: asked ? 'the setting switch says so' : `${managed.http.path} makes nginx follow ${settings.root}/live`,
        follows: true,
        edit: undefined,
        probes: found.facts.probes,
        probeAnswers: managed.probeAnswers,
        // Without `live` the variable has its first value.
        serving: facts.live || (form === 'port' ? 'blue' : 'none'),
        address: { blue: '127.0.0.1', green: '127.0.0.1' },
        route: settings.verifyUrl ? undefined : visitorRoute(settings, facts, config, managed.upstreams),
        warnings: found.facts.warnings.map(trapText),
        logs: accessLogs(config, { upstreams: managed.upstreams, nginxV: asCalled(facts.nginx) }),
        notices: [],
    };
}
/** What nginx says of how it was built, with a prefix of the command itself in place of the built-in one. */
function asCalled({ command, version }) {
    const prefix = /\s-p\s*(\S+)/.exec(command)?.[1];
    return prefix ? version.replace(/--prefix=\S+/, '').concat(` --prefix=${prefix}`) : version;
}
function cannotRead(facts) {
    const { command, said } = facts.nginx;
    const sudo = /sudo/.test(command) && /password|not allowed|not found|sudoers|terminal/.test(said);
    return new errors/* DeployError */.s({
        step: 'survey',
        what: `\`${command} -T\` failed, so the nginx configuration cannot be read`,
        next: sudo
            ? [
                `Let the user ${facts.user} call nginx, with exactly these arguments. As root: visudo -f /etc/sudoers.d/bluegreen, with the line`,
                `  ${facts.user} ALL=(root) NOPASSWD: ${['-T', '-t', '-s reload'].map((args) => `${sudoersCommand(command)} ${args}`).join(', ')}`,
                'Where nginx is set up for an instant switch (command: setup) the first of the three is enough.',
            ].join('\n')
            : 'Mend what nginx says below; nginx has to be installed, and its configuration has to pass `nginx -t`, before a deploy can begin.',
        settings: ['nginx-command'],
        details: said,
    });
}
/** The command as a sudoers line names it: without sudo, and with what has a meaning there escaped (sudoers(5)). */
function sudoersCommand(command) {
    return command.replace(/^sudo\s+(-n\s+)?/, '').replace(/[,:=\\]/g, '\\$&');
}
/** For a reload the user has to be able to write the file of the server lines and its folder. */
function checkWritable(settings, facts, config, edit) {
    const file = facts.nginx.files.find(({ path }) => path === edit.file);
    if (!file || file.writable)
        return;
    const folder = `/etc/nginx/${settings.app}`;
    const own = (config.files.get(edit.file) ?? '').includes('upstream')
        ? [
            'give its server lines a file and a folder of their own which that user may write. As root, on the host:',
            `  install -d -o ${facts.user} ${folder}`,
            `  printf '%s\\n' ${serverLinesOf(edit).map(quote/* quote */.hD).join(' ')} > ${folder}/servers.conf`,
            `  chown ${facts.user} ${folder}/servers.conf`,
            `In ${edit.file}, line ${edit.line}, put this line into the upstream, in place of its server lines:`,
            `  include ${folder}/servers.conf;`,
            'Then: nginx -t && nginx -s reload',
        ]
        : ['let that user own both. As root, on the host:', `  chown ${facts.user} ${(0,external_node_path_.dirname)(file.realPath)} ${file.realPath}`];
    const [first = '', ...rest] = own;
    const next = settings.switch === 'reload'
        ? [`${first[0]?.toUpperCase()}${first.slice(1)}`, ...rest]
        : [
            'Run this workflow once with `command: setup` and do what it says: the switch is instant then, without a reload, and no deploy writes a file of nginx.',
            `Or, to switch by a reload, ${first}`,
            ...rest,
        ];
    throw new errors/* DeployError */.s({
        step: 'survey',
        what: `the user ${facts.user} cannot write ${file.realPath} and its folder, where the server lines of the upstream ${settings.nginxUpstream} stand`,
        next: next.join('\n'),
        settings: ['switch', 'user', 'nginx-upstream'],
    });
}
/** The server lines as they stand now, so that nothing changes when they move. */
function serverLinesOf(edit) {
    return edit.region.match(/\bserver\s+[^;{}#]+;/g) ?? [];
}
function visitorRoute(settings, facts, config, upstreams) {
    const routes = upstreams.flatMap((upstream) => visitorRoutes(config, { upstream, healthPath: settings.healthPath }));
    const route = routes.find(({ scheme }) => scheme === 'http' || facts.tools.has('curl'));
    if (route)
        return route;
    if (routes.length) {
        throw new errors/* DeployError */.s({
            step: 'survey',
            what: `the site of ${settings.app} is served over TLS only, and asking it needs curl, which is not on the host`,
            next: 'Install curl on the host, or set verify-url to a plain http address that leads to the app.',
            settings: ['verify-url'],
        });
    }
    throw new errors/* DeployError */.s({
        step: 'survey',
        what: `no server block of nginx leads to the upstream ${settings.nginxUpstream}`,
        next: `Let one do so: location / { proxy_pass http://${settings.nginxUpstream}; } — or set verify-url to the address of the app.`,
        settings: ['nginx-upstream', 'verify-url'],
    });
}

;// CONCATENATED MODULE: ./src/engine/recipe.ts

/** How today's settings start, ask and stop the app. */
function recipeOf(settings) {
    return {
        supervisor: settings.supervisor,
        listen: settings.listen,
        start: settings.start,
        stop: settings.stop,
        shell: settings.shell,
        path: settings.path,
        portFiles: settings.portFiles,
        stopTimeoutMs: settings.stopTimeout,
        drainTimeoutMs: settings.drainTimeout,
        healthPath: settings.healthPath,
        healthStatus: settings.healthStatus,
        healthHost: settings.healthHost,
        healthTimeoutMs: settings.healthTimeout,
        healthPasses: settings.healthPasses,
    };
}
/** What `.release.json` holds: one line, no secrets. */
function releaseJson(settings, target, run) {
    return JSON.stringify({
        id: target.release,
        sha: target.sha,
        ref: settings.ref,
        repository: settings.repository,
        actor: run.actor,
        url: run.url,
        created: run.started,
        recipe: target.recipe,
    });
}
/**
 * How a release was started when it was deployed.
 *
 * @throws DeployError when it does not tell
 */
function storedRecipe(release) {
    // Releases from before there was a choice listen on a port.
    if (isRecipe(release.recipe))
        return { ...release.recipe, listen: release.recipe.listen === 'socket' ? 'socket' : 'port' };
    throw new errors/* DeployError */.s({
        step: 'survey',
        what: `release ${release.id} does not tell how it is started`,
        next: 'Give the setting start (and health-path and what else the deploy has) in the rollback workflow too.',
        settings: ['start'],
    });
}
function isRecipe(value) {
    const found = value;
    const texts = ['start', 'stop', 'shell', 'path', 'healthPath', 'healthHost'];
    const numbers = ['stopTimeoutMs', 'drainTimeoutMs', 'healthTimeoutMs', 'healthPasses'];
    return (typeof found === 'object' &&
        found !== null &&
        (found.supervisor === 'process' || found.supervisor === 'command') &&
        texts.every((name) => typeof found[name] === 'string') &&
        numbers.every((name) => typeof found[name] === 'number') &&
        Array.isArray(found.portFiles) &&
        found.portFiles.every((file) => typeof file === 'string') &&
        Array.isArray(found.healthStatus) &&
        found.healthStatus.every((range) => typeof range?.from === 'number' && typeof range.to === 'number'));
}

;// CONCATENATED MODULE: ./src/engine/ledger.ts
/** The ledger's line up to what only the end can tell, without its closing brace. */
function ledgerBeginning(settings, run, target, previousRelease) {
    const known = {
        run: run.key,
        command: settings.command,
        app: settings.app,
        release: target.release,
        previousRelease,
        sha: target.sha,
        ref: settings.ref,
        slot: target.slot,
        port: target.port,
        actor: run.actor,
        url: run.url,
        started: run.started,
    };
    return JSON.stringify(known).slice(0, -1);
}

;// CONCATENATED MODULE: ./src/engine/steps/bake.ts


/** What asks that are under way at the end may still take, and reading the logs. */
const AIR_MS = 60_000;
/** Keeps asking through nginx after the switch and counts what visitors got; the old slot still runs, and gets the traffic back if that goes badly. */
const bake = (settings, facts, target) => {
    if (settings.bake === 0)
        return undefined;
    const paths = target.logs.counted.map(({ path }) => path);
    const count = paths.length ? `, and count the 5xx answers in ${paths.join(', ')} where it is readable (at most ${settings.bakeErrors} %)` : '';
    const not = target.logs.uncounted.map((why) => `; not counted: ${why}`).join('');
    // Without anything on the other port a switch back would take away what there is.
    const stays = !target.live && !facts.listeners.has(target.oldPort);
    return {
        name: 'bake',
        does: `ask through nginx once a second for ${(0,quote/* seconds */.YA)(settings.bake)} s${count}${not}; ${stays ? 'there is nothing to switch back to' : 'switch back if that goes badly'}`,
        script: `${bakeLogs(settings, target)}${(0,quote/* assignments */.TT)({
            BG_BAKE_MS: settings.bake,
            BG_BAKE_LIMIT: Math.round(settings.bakeErrors * 1000),
            BG_BAKE_UNCOUNTED: not,
            BG_BAKE_STAYS: stays ? 'yes' : '',
            BG_HEALTH_WANTED: rangesText(target.recipe.healthStatus),
        })}bg_step_bake`,
        limitMs: settings.bake + AIR_MS,
        onFailure: stays ? 'stay' : 'back',
        needs: '',
    };
};
/** The logs to count in, for the step itself and for the switch, which writes down where they end; nothing without a bake. */
function bakeLogs(settings, target) {
    return settings.bake === 0 ? '' : (0,quote/* assignments */.TT)({ BG_BAKE_LOGS: target.logs.counted.map(logLine).join('') });
}
function logLine({ path, status, shared }) {
    const { escape, field, fields, side, beside } = status;
    return `bg_bake_log ${(0,quote/* quote */.hD)(path)} ${escape} ${field} ${fields} ${side} ${(0,quote/* quote */.hD)(beside)} ${(0,quote/* quote */.hD)(shared ? 'yes' : '')}\n`;
}

;// CONCATENATED MODULE: ./src/engine/steps/clone.ts


/** Fetches the commit and checks it out into a new release, with its submodules and shared paths. */
const clone = (settings, facts, target) => ({
    name: 'clone',
    does: `fetch ${target.sha.slice(0, 7)} from ${settings.repository} into ${settings.root}/releases/${target.release}`,
    script: `${(0,quote/* assignments */.TT)({ BG_SHARED: settings.shared.join('\n'), BG_INSTALL: settings.install, BG_FAILED: failedReleases(facts).join(' ') })}bg_step_clone`,
    limitMs: settings.stepTimeout,
    onFailure: 'stop',
    needs: 'token',
});

;// CONCATENATED MODULE: ./src/engine/steps/commands.ts

/** Runs the install command in the new release. */
const install = (settings) => command(settings, 'install', 'stop', settings.install);
/** Runs before-switch in the new release, which is healthy by then: migrations, warm-ups. */
const beforeSwitch = (settings) => command(settings, 'before-switch', 'stop', settings.beforeSwitch);
/** Runs after-switch in the new release. The traffic is there already, so it can only warn. */
const afterSwitch = (settings) => command(settings, 'after-switch', 'warn', settings.afterSwitch);
function command(settings, name, onFailure, text) {
    if (!text)
        return undefined;
    const variable = `BG_${name.toUpperCase().replace('-', '_')}`;
    return {
        name,
        does: `run \`${text.split('\n').join('; ')}\``,
        script: `${(0,quote/* assignments */.TT)({ [variable]: text, BG_SHELL: settings.shell, BG_PATH: settings.path })}bg_step_${name.replace('-', '_')}`,
        limitMs: settings.stepTimeout,
        onFailure,
        needs: 'env',
    };
}

;// CONCATENATED MODULE: ./src/engine/steps/finish.ts


/** Is there anything on the old slot that has to be stopped? */
const oldSlotInUse = (facts, { oldPort, live }) => live !== '' || facts.listeners.has(oldPort);
/** A live app that is dead already has no requests to wait for. */
const oldSlotAnswers = (facts, { oldPort, oldSlot, live }) => (live !== '' && Boolean(facts.slots[oldSlot]?.alive)) || facts.listeners.has(oldPort);
/** Stops the standby, whose slot the new release needs. What it still answers is waited for. */
const stopStandby = (settings, facts, target) => {
    const slot = facts.slots[target.slot];
    if (!slot?.standby || !slot.alive || target.standbyReady)
        return undefined;
    return {
        name: 'stop-standby',
        does: `stop the standby (release ${slot.release}): its slot ${target.slot} is needed`,
        script: 'bg_step_stop_standby',
        limitMs: settings.stepTimeout + settings.drainTimeout,
        onFailure: 'stop',
        needs: '',
    };
};
/** Waits until the requests that the old slot still answers are done. A standby goes on answering them. */
const drain = (settings, facts, target) => oldSlotAnswers(facts, target) && !target.keepsStandby
    ? {
        name: 'drain',
        does: `wait up to ${(0,quote/* seconds */.YA)(settings.drainTimeout)} s for the requests that ${target.oldListensAt} still answers`,
        script: `${(0,quote/* assignments */.TT)({ BG_DRAIN_TIMEOUT: (0,quote/* seconds */.YA)(settings.drainTimeout) })}bg_step_drain`,
        limitMs: settings.drainTimeout + 60_000,
        onFailure: 'back',
        needs: '',
    }
    : undefined;
/** Stops the old slot, in the way that it was started. */
const stop = (settings, facts, target) => oldSlotInUse(facts, target) && !target.keepsStandby
    ? {
        name: 'stop',
        does: `stop the ${target.oldSlot} slot (SIGTERM, ${(0,quote/* seconds */.YA)(settings.stopTimeout)} s, SIGKILL)`,
        script: 'bg_step_stop',
        limitMs: settings.stepTimeout,
        onFailure: 'warn',
        needs: '',
    }
    : undefined;
/** Leaves the old slot running as the standby, in place of draining and stopping it. */
const standby = (settings, _facts, target) => target.keepsStandby
    ? {
        name: 'standby',
        does: `leave the ${target.oldSlot} slot running until the next deploy: a rollback to it is only a switch`,
        script: 'bg_step_standby',
        limitMs: settings.stepTimeout,
        onFailure: 'warn',
        needs: '',
    }
    : undefined;
/** Removes the releases that are neither live, nor were live before, nor among the newest to keep. */
const prune = (settings, facts, target) => {
    const old = releasesToPrune(facts, [target.release, ...keptInSlots(facts, target.slot)], settings.keepReleases);
    // A rollback to the standby is nothing but a switch.
    if (target.standbyReady && !old.length)
        return undefined;
    return {
        name: 'prune',
        does: old.length ? `remove ${old.join(', ')}` : `nothing to remove (keep-releases ${settings.keepReleases})`,
        script: `${(0,quote/* assignments */.TT)({ BG_PRUNE: old.join(' ') })}bg_step_prune`,
        limitMs: settings.stepTimeout,
        onFailure: 'warn',
        needs: '',
    };
};
/** The release of the old slot is the one to roll back to; what the new slot held before may go. */
function keptInSlots(facts, newSlot) {
    return ['blue', 'green'].flatMap((slot) => (slot !== newSlot && facts.slots[slot] ? [facts.slots[slot].release] : []));
}

;// CONCATENATED MODULE: ./src/engine/steps/health.ts


/** What a check that is under way at the end may still take, and some air. */
const health_AIR_MS = 15_000;
/** Asks the idle slot's port on the host itself until it was healthy several times in a row. */
const health = (_settings, _facts, target) => {
    if (target.standbyReady)
        return undefined;
    const { recipe } = target;
    const wanted = rangesText(recipe.healthStatus);
    return {
        name: 'health',
        does: `ask ${recipe.listen === 'socket' ? target.listensAt : `http://${target.address}:${target.port}`}${recipe.healthPath} for up to ${(0,quote/* seconds */.YA)(recipe.healthTimeoutMs)} s until it answers ${wanted} ${recipe.healthPasses} times in a row`,
        script: `${(0,quote/* assignments */.TT)({
            BG_HEALTH_TIMEOUT: (0,quote/* seconds */.YA)(recipe.healthTimeoutMs),
            BG_HEALTH_PASSES: recipe.healthPasses,
            BG_HEALTH_WANTED: wanted,
        })}bg_step_health`,
        limitMs: recipe.healthTimeoutMs + health_AIR_MS,
        onFailure: 'stop',
        needs: '',
    };
};

;// CONCATENATED MODULE: ./src/engine/steps/start.ts


/** Starts the release on the idle slot. How it is started is written into the slot first, and used from there. */
const start = (settings, _facts, target) => {
    if (target.standbyReady)
        return undefined;
    const { recipe } = target;
    return {
        name: 'start',
        does: `start \`${recipe.start.split('\n').join('; ')}\` on the ${target.slot} slot, ${whereText(target)} (supervisor ${recipe.supervisor})`,
        script: `${(0,quote/* assignments */.TT)({
            BG_SL_SUPERVISOR: recipe.supervisor,
            BG_SL_RELEASE: target.release,
            BG_SL_SHA: target.sha,
            BG_SL_PORT: target.port,
            BG_SL_LISTEN: recipe.listen,
            BG_SL_START: recipe.start,
            BG_SL_STOP: recipe.stop,
            BG_SL_SHELL: recipe.shell,
            BG_SL_PATH: recipe.path,
            BG_SL_PORTS: `${target.port} ${target.oldPort}`,
            BG_SL_PORT_FILES: recipe.portFiles.join('\n'),
            BG_SL_STOP_TIMEOUT: (0,quote/* seconds */.YA)(recipe.stopTimeoutMs),
            BG_SL_DRAIN_TIMEOUT: (0,quote/* seconds */.YA)(recipe.drainTimeoutMs),
            BG_SL_ADDRESS: target.address,
            BG_SL_HEALTH_PATH: recipe.healthPath,
            BG_SL_HEALTH_STATUS: rangesText(recipe.healthStatus),
            BG_SL_HEALTH_HOST: recipe.healthHost,
        })}bg_step_start`,
        limitMs: settings.stepTimeout,
        onFailure: 'stop',
        needs: 'env',
    };
};

;// CONCATENATED MODULE: ./src/engine/steps/switch.ts



/** Asks the running nginx whether it follows `live`, before anything is done: what is on disk may not be what runs. */
function probe(nginx) {
    return (settings) => nginx.follows
        ? {
            name: 'probe',
            does: `ask the running nginx whether it follows ${settings.root}/live: if so the switch is instant, else a reload`,
            script: `${(0,quote/* assignments */.TT)({ BG_MUST_FOLLOW: settings.switch === 'instant' ? 'yes' : '' })}bg_step_probe`,
            limitMs: settings.switchTimeout + 60_000,
            onFailure: 'stop',
            needs: '',
        }
        : undefined;
}
/** Gives the traffic to the new slot. */
function switchTraffic(nginx) {
    return (settings, _facts, target) => ({
        name: 'switch',
        does: nginx.follows
            ? `live -> slots/${target.slot}${nginx.mode === 'reload' ? ', then nginx -t and reload' : ': nginx follows by itself'}`
            : `nginx: port ${target.port} serves the upstream ${settings.nginxUpstream} (nginx -t, live -> slots/${target.slot}, reload)`,
        script: `${bakeLogs(settings, target)}bg_step_switch`,
        limitMs: settings.lockTimeout + 4 * settings.switchTimeout + 60_000,
        onFailure: 'back',
        needs: '',
    });
}
/** Asks through nginx as a visitor would, and proves by the connections that the new slot answers. */
const verify = (settings, _facts, target) => ({
    name: 'verify',
    does: `ask through nginx for up to ${(0,quote/* seconds */.YA)(settings.switchTimeout)} s until ${whereText(target)} answers, and ${target.oldListensAt} does not`,
    script: `${(0,quote/* assignments */.TT)({
        BG_SL_HEALTH_STATUS: rangesText(target.recipe.healthStatus),
        BG_HEALTH_WANTED: rangesText(target.recipe.healthStatus),
    })}bg_step_verify`,
    limitMs: settings.switchTimeout + 30_000,
    onFailure: 'back',
    needs: '',
});

;// CONCATENATED MODULE: ./src/engine/plan.ts

















// The whole deploy, and the whole rollback, in order.
const deploySteps = (nginx) => [probe(nginx), clone, install, ...startAndSwitch(nginx)];
const rollbackSteps = (nginx) => [probe(nginx), ...startAndSwitch(nginx)];
const startAndSwitch = (nginx) => [stopStandby, start, health, beforeSwitch, switchTraffic(nginx), verify, bake, afterSwitch, drain, stop, standby, prune];
/**
 * Plans a deploy or a rollback: a pure function of settings and facts.
 *
 * @throws DeployError when it cannot be done safely
 */
function makePlan(settings, facts, run) {
    checkHost(settings, facts);
    const back = settings.command === 'rollback';
    const what = back ? oldRelease(settings, facts) : newRelease(settings, facts);
    const inForce = portsInForce(facts, settings.ports);
    const ports = back ? portsOfStandby(facts, what.release, inForce) : inForce;
    const nginx = readNginx(settings, facts, ports, what.recipe.listen);
    // What an interrupted switch left is reconcile's to mend, not a person's doing.
    if (!facts.intent)
        checkDrift(settings, facts, nginx);
    const target = targetOf(settings, facts, what, slotsToUse(facts, ports, nginx.serving), nginx);
    const steps = (back ? rollbackSteps : deploySteps)(nginx).flatMap((make) => make(settings, facts, target) ?? []);
    const skip = back ? '' : overtaken(settings, facts, target);
    const plan = { target, steps: skip ? [] : steps, skip, warnings: [...nginx.warnings, ...deadLive(facts, nginx), ...lostLedger(settings, facts)], notices: nginx.notices, previousRelease: liveRelease(facts), nginx };
    return { ...plan, script: planScript(settings, facts, run, plan) };
}
function targetOf(settings, facts, what, slots, nginx) {
    const { slot, port, oldPort } = slots;
    const oldSlot = (0,engine_facts/* otherSlot */.jx)(slot);
    const at = (name, listen, number) => (listen === 'socket' ? `${settings.root}/slots/${name}/app.sock` : String(number));
    const there = facts.slots[slot];
    const fromStandby = settings.command === 'rollback' && Boolean(there?.standby) && there?.release === what.release;
    return {
        ...what,
        slot,
        port,
        live: facts.live,
        oldSlot,
        oldPort,
        address: nginx.address[slot],
        logs: nginx.logs,
        listensAt: at(slot, what.recipe.listen, port),
        oldListensAt: at(oldSlot, facts.slots[oldSlot]?.listen ?? what.recipe.listen, oldPort),
        standbyReady: fromStandby && Boolean(there?.alive && there.healthy),
        // Who rolls back to a standby gets one to go forth again.
        keepsStandby: Boolean(facts.slots[oldSlot]?.alive) && facts.live !== '' && (settings.standby || fromStandby),
    };
}
function newRelease(settings, facts) {
    if (!/^[0-9a-f]{40}$/.test(facts.commit)) {
        throw new errors/* DeployError */.s({
            step: 'survey',
            what: `${settings.repository} has no branch, tag or commit ${settings.ref}`,
            next: 'Push it, or correct the setting ref.',
            settings: ['ref', 'repository'],
        });
    }
    return { release: newReleaseId(facts, facts.commit), sha: facts.commit, recipe: recipeOf(settings) };
}
/** A rollback starts a release as it was deployed, unless the settings say how. */
function oldRelease(settings, facts) {
    const release = rollbackTarget(facts, settings.release);
    const recipe = settings.start ? recipeOf(settings) : storedRecipe(release);
    return { release: release.id, sha: release.sha, recipe };
}
/** The backup lines, which save uploads, have a price. */
function deadLive(facts, nginx) {
    const dead = facts.live && facts.slots[facts.live] && !facts.slots[facts.live]?.alive;
    if (!dead || !nginx.follows)
        return [];
    return [`the live app does not run: until the switch nginx sends its requests to the new release as soon as that listens, healthy or not`];
}
function lostLedger({ root }, facts) {
    if (knowsWhatWasLive(facts))
        return [];
    return [`the ledger ${root}/ledger.ndjson does not know the live release: no release is removed, since nobody can tell which of them were good`];
}
/** A run that was queued behind a newer one must not take its place. */
function overtaken(settings, facts, target) {
    const live = facts.live && facts.slots[facts.live];
    if (settings.allowOlder || !facts.ancestor || !live || live.sha === target.sha)
        return '';
    return `commit ${target.sha.slice(0, 7)} is older than ${live.sha.slice(0, 7)}, which is live: nothing to do (setting allow-older)`;
}
function planScript(settings, facts, run, plan) {
    const { target, nginx } = plan;
    const variables = (0,quote/* assignments */.TT)({
        BG_RELEASE: target.release,
        BG_SHA: target.sha,
        BG_SLOT: target.slot,
        BG_PORT: target.port,
        BG_PREVIOUS_SLOT: target.live,
        BG_OLD_SLOT: target.oldSlot,
        BG_OLD_PORT: target.oldPort,
        BG_AT: target.listensAt,
        BG_OLD_AT: target.oldListensAt,
        BG_LISTEN: target.recipe.listen,
        BG_STANDBY_READY: target.standbyReady ? 'yes' : '',
        BG_RELEASE_JSON: releaseJson(settings, target, run),
        ...nginxVariables(settings, facts, nginx),
    });
    const steps = plan.steps.map(({ name, limitMs, needs, onFailure, script }) => `bg_plan_step ${name} ${(0,quote/* seconds */.YA)(limitMs)} '${needs}' ${onFailure} ${(0,quote/* quote */.hD)(script)}\n`);
    return [
        (0,quote/* assignments */.TT)({ BG_PLAN_TEXT: variables, BG_LEDGER: ledgerBeginning(settings, run, target, plan.previousRelease), BG_SKIP: plan.skip }),
        ...steps,
    ].join('');
}
function nginxVariables(settings, facts, nginx) {
    const { edit, route, pidFile, errorLog, folder, probes, probeAnswers } = nginx;
    return {
        BG_NG_COMMAND: facts.nginx.command,
        BG_NG_MODE: nginx.mode,
        BG_NG_FOLLOWS: nginx.follows ? 'yes' : '',
        BG_NG_PROBES: probes.map((one) => [urlOf(one), connectOf(one), one.proxyProtocol ? 'yes' : ''].join('\t')).join('\n'),
        BG_NG_PROBE_BLUE: probeAnswers.blue,
        BG_NG_PROBE_GREEN: probeAnswers.green,
        BG_NG_FILE: edit?.file ?? '',
        BG_NG_REGION: edit?.region ?? '',
        BG_NG_BLUE: edit?.blue ?? '',
        BG_NG_GREEN: edit?.green ?? '',
        BG_NG_SUM: facts.nginx.files.find(({ path }) => path === edit?.file)?.sum ?? '',
        BG_NG_FOLDER: folder,
        BG_NG_PID_FILE: pidFile,
        BG_NG_ERROR_LOG: errorLog,
        BG_NG_URL: route ? urlOf(route) : settings.verifyUrl,
        BG_NG_CONNECT: route ? connectOf(route) : '',
        BG_NG_PROXY_PROTOCOL: route?.proxyProtocol ? 'yes' : '',
        BG_NG_TIMEOUT: (0,quote/* seconds */.YA)(settings.switchTimeout),
        BG_NG_VERSION: nginxVersion(facts.nginx.version),
    };
}
function urlOf(route) {
    const usual = route.scheme === 'https' ? 443 : 80;
    return `${route.scheme}://${route.serverName || route.connectTo}${route.port === usual ? '' : `:${route.port}`}${route.path}`;
}
const connectOf = (route) => `${route.connectTo}:${route.port}`;

;// CONCATENATED MODULE: ./src/engine/progress.ts

/** More steps than any plan has, and more notes than a run has; characters of one note that are kept. */
const MOST = { steps: 100, notes: 300, note: 4000 };
/**
 * Keeps what the steps of a run said, and tells it on as events. A step that never ends (a lost line) is ended
 * by whoever finishes the run.
 */
class Progress {
    emit;
    now;
    startedAt;
    host;
    steps = [];
    /** The first problem that was told; what comes after it is its consequence. */
    problem;
    current;
    constructor(emit, now, startedAt, host) {
        this.emit = emit;
        this.now = now;
        this.startedAt = startedAt;
        this.host = host;
    }
    /** The name of the step that is under way; '' between steps. */
    get step() {
        return this.current?.name ?? '';
    }
    /**
     * @param at when it began, if not now: Unix time in milliseconds
     * @throws DeployError when there are more than any run has
     */
    begin(name, at = this.now()) {
        if (this.current)
            this.end('aborted');
        if (this.steps.length >= MOST.steps)
            throw new errors/* DeployError */.s({ what: 'the host tells of more steps than there are', next: 'What answers there is not the agent.' });
        this.current = { name, startedAt: at, notes: [] };
        this.emit({ type: 'step-start', step: name });
    }
    output(text) {
        if (this.current)
            this.emit({ type: 'output', step: this.current.name, text });
    }
    note(level, text) {
        const step = this.current?.name ?? this.steps.at(-1)?.name ?? '';
        const notes = this.current?.notes ?? this.steps.at(-1)?.notes;
        if (this.noted++ < MOST.notes)
            notes?.push({ level, text: text.length > MOST.note ? `${text.slice(0, MOST.note)}…` : text });
        else if (this.noted === MOST.notes + 1)
            notes?.push({ level: 'warning', text: 'there were more notes than are kept: see the log' });
        this.emit({ type: 'note', step, level, text });
    }
    fail(problem) {
        const placed = { ...problem, step: problem.step || this.step, host: problem.host || this.host };
        if (this.current)
            this.current.problem ??= placed;
        this.problem ??= placed;
    }
    /** The end of the app's log, for the problem of the step that is under way. */
    appLog(text) {
        if (text)
            this.pendingLog = text;
    }
    pendingLog = '';
    noted = 0;
    /** The step failed, which only warns: the run goes on, and its problem is not the run's. */
    endWithWarning(ms) {
        const problem = this.current?.problem;
        if (problem) {
            if (this.problem === problem)
                this.problem = undefined;
            const settings = problem.settings.length ? ` (settings ${problem.settings.join(', ')})` : '';
            this.note('warning', `${problem.what}. The traffic is on the new slot. ${problem.next}${settings}`);
            if (this.current)
                this.current.problem = undefined;
        }
        this.end('warning', ms);
    }
    /** @param ms how long it took by the host's own clock, where that is known */
    end(status, ms) {
        const { current } = this;
        if (!current)
            return;
        this.current = undefined;
        if (current.problem && this.pendingLog) {
            const details = [current.problem.details, `The app's log ends with:\n${this.pendingLog}`].filter(Boolean).join('\n\n');
            if (this.problem === current.problem)
                this.problem = { ...current.problem, details };
            current.problem = { ...current.problem, details };
        }
        this.pendingLog = '';
        const warned = status === 'success' && current.notes.some(({ level }) => level !== 'notice');
        const result = {
            name: current.name,
            status: warned ? 'warning' : status,
            startMs: current.startedAt - this.startedAt,
            ms: ms ?? this.now() - current.startedAt,
            notes: current.notes,
        };
        this.steps.push(result);
        this.emit({ type: 'step-end', step: current.name, result, problem: current.problem });
    }
}

;// CONCATENATED MODULE: ./src/engine/run-errors.ts

/** @param during ` during the step …`, or nothing @param said what the agent had written to standard error @param again it is begun anew */
function lineLost(during, said, again) {
    return new errors/* DeployError */.s({
        what: `the line to the host was lost${during}`,
        next: `The host aborts by itself what was not switched yet, and finishes what was.${again ? '' : ' Run it again: the next run mends what is left.'}`,
        settings: ['retries', 'lease'],
        details: said,
    });
}
/** Something ended before the agent had said a word. @param said what it wrote to standard error */
function agentDidNotStart(code, said) {
    return new errors/* DeployError */.s({
        step: 'connect',
        what: `the agent did not start on the host (exit status ${code ?? 'none'})`,
        next: "It needs a POSIX sh, base64 and gzip in the PATH of a login without a terminal. See what the host's shell says below.",
        settings: ['user'],
        details: said,
    });
}
/** What it says is nothing that the agent says. */
function notTheAgent(why) {
    return new errors/* DeployError */.s({
        what: `what answers on the host does not speak as the agent does: ${why}`,
        next: 'Look at the login shell of the user, and at ForceCommand and command= on the host. Is it the host that you think it is?',
        settings: ['host', 'user', 'known-hosts'],
    });
}
/** A step that failed without saying why. */
function unexplained(step, status) {
    const signal = status > 128 ? ` (signal ${status - 128})` : '';
    return new errors/* DeployError */.s({ step, what: `the step ${step} ended with status ${status}${signal}`, next: 'Read its output; then run it again.' }).problem;
}
/** What is no DeployError is a defect of ours, and is told as one. */
function asDeployError(error) {
    if (error instanceof errors/* DeployError */.s)
        return error;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return new errors/* DeployError */.s({ what: 'bluegreen has a defect', next: 'Please report it, with the text below.', details: text });
}

// EXTERNAL MODULE: ./src/engine/session.ts + 2 modules
var session = __webpack_require__(4270);
;// CONCATENATED MODULE: ./src/nginx/includes.ts

/** The `include` lines that name exactly this file, wherever they stand. */
function includesOf(config, path) {
    const folder = config.main.slice(0, config.main.lastIndexOf('/') + 1);
    const found = [];
    const look = (statements) => {
        for (const one of statements) {
            const target = one.args[0] ?? '';
            if (one.name === 'include' && !one.block && (target.startsWith('/') ? target : folder + target) === path)
                found.push(one);
            if (one.block)
                look(one.block);
        }
    };
    for (const [file, text] of config.files)
        if (text.includes('include'))
            look(parseFile(file, text));
    return found;
}

;// CONCATENATED MODULE: ./src/nginx/setup-traps.ts







/** Passes that cannot be changed safely. What a person is told to write works today, and setup changes it over. */
function conversionTraps({ wanted, passes, from }, { upstream }) {
    const again = 'Then run setup again.';
    return passes.flatMap((pass) => {
        const { directive, text, rest } = pass;
        const trap = (what, mend) => [{ ...at(directive), what: `${text}: ${what}`, mend: `${mend} ${again}` }];
        // The name is written out, and not put together from variables.
        const written = (directive.args[0] ?? '').slice(0, rest ? -rest.length : undefined);
        const plain = `Write \`proxy_pass http://${upstream};\`.`;
        if (directive.name !== 'proxy_pass' || pass.scheme !== 'http')
            return trap('an instant switch serves `proxy_pass http://` only', `${plain} Or set switch: reload, for an app that speaks something else.`);
        if (written.replace(/[{}]/g, '').toLowerCase() !== from.toLowerCase())
            return [{ ...at(directive), what: `${directive.name} leads to the app by a variable`, mend: `${plain} ${again}` }];
        if (!wanted.variable || shapeTraps(pass, wanted).length === 0)
            return [];
        return trap('what follows the name would be asked for whatever the visitor\'s path, once the name is a variable', mendOfUri(rest, directive, `http://${upstream}`));
    });
}
/** Other machines that share the traffic: an instant switch knows the two slots alone. */
function otherServers({ block }, options) {
    const lines = block ? serverLines(block, options) : [];
    // Without any line of a slot's the ports are not those of the app: another message.
    if (!lines.some(({ slot }) => slot))
        return [];
    return lines
        .filter(({ slot, down }) => !slot && !down)
        .map(({ directive }) => ({
        ...at(directive),
        what: `server ${directive.args[0]}: after setup only the app's two slots would get requests, not this one`,
        mend: 'Remove the line, or set switch: reload.',
    }));
}
/** What `nginx -t` would refuse beside the include. Read in the configuration as it will be. */
function refusedByNginx(config, managed, options) {
    const file = managed.server;
    if (!file)
        return [];
    const passes = appPasses(config, managed, options, variablesOf(config)).filter(({ by }) => by === 'variable');
    const leading = new Set(passes.map(({ server }) => server));
    const again = 'Then run setup again.';
    const inServers = httpServers(config).filter((server) => leading.has(server)).flatMap((server) => (server.block ?? []).filter((one) => one.file !== file.path).flatMap((one) => {
        const { name, args } = one;
        if (name === 'open_file_cache' || name === 'disable_symlinks')
            return [duplicate(one, file.path, again)];
        if (name === 'proxy_redirect' && /^(off|default)$/.test(args[0] ?? '')) {
            return [{ ...at(one), what: `proxy_redirect ${args[0]} beside ${file.path}, which has others: nginx refuses that`, mend: `Remove the line, or move it into the locations that need it. ${again}` }];
        }
        if (name === 'location' && args.join(' ').replace(/^=\s*/, '= ') === `= ${managed.probePath}`) {
            return [{ ...at(one), what: `${file.path} has a location ${args.join(' ')} too`, mend: `Remove this one. ${again}` }];
        }
        return [];
    }));
    const redirects = passes.flatMap(({ directive }) => inForce(directive, 'proxy_redirect')
        .filter((one) => one.args[0] === 'default' && one.parent === directive.parent)
        .map((one) => ({ ...at(one), what: '`proxy_redirect default` beside a variable: nginx refuses that', mend: `Remove the line: ${file.path} does the same. ${again}` })));
    return [...inServers, ...redirects];
}
/** Several apps of one server block have the same line in the files of each. */
function duplicate(one, path, again) {
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    const ours = one.file.startsWith(folder);
    return {
        ...at(one),
        what: `${one.name} stands in this server block, and in ${path} too: nginx refuses that`,
        mend: ours
            ? 'Only one app of a server block can be switched instantly: give this app a server block of its own, or set switch: reload for it.'
            : `Remove the line: for the whole server block it has to be off. ${again}`,
    };
}

;// CONCATENATED MODULE: ./src/nginx/text-edit.ts

/** Changes of a text as replaced runs of whole lines, in order. */
function hunksOf(text, changes) {
    const spans = [];
    for (const change of [...changes].sort((one, other) => one.start - other.start)) {
        const start = lineStart(text, change.start);
        // A change that ends with a line ends before the next one.
        const end = change.end > change.start && text[change.end - 1] === '\n' ? change.end : text_edit_lineEnd(text, change.end);
        const last = spans.at(-1);
        if (last && start < last.end) {
            last.end = Math.max(last.end, end);
            last.changes.push(change);
        }
        else
            spans.push({ start, end, changes: [change] });
    }
    return spans.map((span) => {
        const from = lineOf(text, span.start);
        const lines = text.slice(span.start, span.end).split('\n').length - (text[span.end - 1] === '\n' ? 1 : 0);
        return { from, to: from + lines - 1, text: applyChanges(text.slice(span.start, span.end), span.start, span.changes) };
    });
}
/** The line of an offset, from 1. */
const lineOf = (text, offset) => text.slice(0, offset).split('\n').length;
const lineStart = (text, offset) => (offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1);
/** The offset after the line feed of the line that holds an offset. */
function text_edit_lineEnd(text, offset) {
    const newline = text.indexOf('\n', offset);
    return newline < 0 ? text.length : newline + 1;
}
/** Which line of the text as it was a line of the changed text is, or comes after. */
function lineBefore(text, changes, line) {
    const changed = applyChanges(text, 0, changes);
    let offset = 0;
    for (let at = 1; at < line; at++)
        offset = text_edit_lineEnd(changed, offset);
    for (const { start, end, text: added } of [...changes].sort((one, other) => one.start - other.start)) {
        if (offset < start)
            break;
        offset = Math.max(start, offset - (added.length - (end - start)));
    }
    return lineOf(text, offset);
}

;// CONCATENATED MODULE: ./src/nginx/setup.ts














/**
 * What makes nginx follow the link `live`, in place of being edited and reloaded by each switch: a pure function.
 * @param wanted the files for the setting `listen`, as they should be
 * @param other those for its other value: where they are in use, the site is changed over
 * @param options also the path that a visitor would ask for
 * @throws DeployError when no server block leads to the app, or where the configuration cannot be followed
 */
function planSetup(config, wanted, other, options) {
    const variables = variablesOf(config);
    const passes = appPasses(config, wanted, options, variables);
    const conversion = conversionOf(config, wanted, passes, other, appPasses(config, other, options, variables), options.upstream);
    if (conversion.servers.length === 0)
        throw leadsNowhere(options.upstream);
    const refused = conversionTraps(conversion, options);
    // What cannot be changed is not: the rest of the traps is read with what can be.
    const bad = new Set(refused.map(({ file, line }) => `${file}:${line}`));
    const edits = editsOf(config, wanted, { ...conversion, passes: conversion.passes.filter(({ directive }) => !bad.has(`${directive.file}:${directive.line}`)) });
    const files = [wanted.http, wanted.server].filter((file) => file !== undefined).filter((file) => config.files.get(file.path) !== file.text);
    const changed = changedConfig(config, edits, files);
    const facts = readInstant(changed, wanted, options);
    const before = (trap) => ({ ...trap, line: lineBefore(config.files.get(trap.file) ?? '', edits.filter(({ file }) => file === trap.file), trap.line) });
    const left = [...refusedByNginx(changed, wanted, options), ...facts.traps].map(before).filter(({ file, line }) => !bad.has(`${file}:${line}`));
    const traps = [...refused, ...otherServers(conversion, options), ...left];
    if (!facts.setUp && traps.length === 0)
        traps.push({ file: config.main, line: 1, what: facts.why, mend: 'Write it as the README shows, then run setup again.' });
    return {
        writes: writesOf(config, wanted, files, edits),
        shown: edits,
        traps,
        warnings: [...lostLines(conversion), ...otherAddresses(conversion, options), ...facts.warnings.map(before)],
        probes: facts.probes,
        visits: routesInto(visitorRoutes(changed, { upstream: wanted.upstreams[0] ?? '', healthPath: options.healthPath }), options.curl),
    };
}
function conversionOf(config, wanted, passes, other, otherPasses, upstream) {
    const port = wanted.variable !== '';
    const converted = port ? passes.filter(({ by }) => by === 'upstream') : otherPasses.filter(({ by }) => by === 'variable');
    const done = passes.filter(({ by }) => by === (port ? 'variable' : 'upstream'));
    const block = upstreams(config).find((one) => one.parent?.name === 'http' && one.file !== wanted.http.path && sameName(one.args[0] ?? '', upstream));
    return {
        wanted,
        from: other.proxyPass,
        passes: converted,
        servers: [...new Set([...converted, ...done].map(({ server }) => server))],
        includes: port ? [] : includesOf(config, other.server?.path ?? ''),
        // By the port the app's old upstream may stay: nothing leads to it any more.
        block: port && converted.length === 0 ? undefined : block,
    };
}
function leadsNowhere(upstream) {
    return new errors/* DeployError */.s({
        step: 'survey',
        what: `no server block of nginx leads to the upstream ${upstream}, so there is nothing to set up`,
        next: `Let one do so: location / { proxy_pass http://${upstream}; } with upstream ${upstream} { server 127.0.0.1:<the port of blue>; } — then run setup again.`,
        settings: ['nginx-upstream'],
    });
}
function editsOf(config, wanted, conversion) {
    const text = (file) => config.files.get(file) ?? '';
    const edits = conversion.passes.map((pass) => passEdit(text(pass.directive.file), pass, wanted));
    if (wanted.server) {
        const file = wanted.server;
        const there = included(config, file.path);
        const lacking = conversion.servers.filter((server) => !there.has(server) && !includesOf(config, file.path).some((one) => within(one, server)));
        edits.push(...lacking.map((server) => firstLine(text(server.file), server, file.include)));
    }
    for (const one of conversion.includes)
        edits.push(removal(text(one.file), one));
    const includesHttp = includesOf(config, wanted.http.path).length > 0;
    const [first] = conversion.servers;
    if (conversion.block && !wanted.variable) {
        edits.push(blockEdit(text(conversion.block.file), conversion.block, includesHttp ? '' : wanted.http.include));
    }
    else if (!includesHttp && first) {
        edits.push(lineAbove(text(first.file), first, wanted.http.include));
    }
    return setup_distinct(edits).sort((one, other) => (one.file === other.file ? one.start - other.start : one.file < other.file ? -1 : 1));
}
const within = (one, block) => one.file === block.file && one.start > block.start && one.start < block.end;
/** A file that is included in several places is changed once. */
function setup_distinct(edits) {
    return [...new Map(edits.map((edit) => [`${edit.file} ${edit.start} ${edit.end}`, edit])).values()];
}
/** Another name in a pass; what follows it stays. */
function passEdit(text, { directive, rest }, { proxyPass }) {
    const word = directive.words[1];
    const [start, end] = [word?.start ?? directive.start, word?.end ?? directive.start];
    const quote = /^["']/.exec(text.slice(start, end))?.[0] ?? '';
    return {
        ...at(directive),
        start,
        end,
        text: `${quote}${proxyPass}${rest}${quote}`,
        where: '',
        remove: `proxy_pass ${directive.args[0]};`,
        add: `proxy_pass ${proxyPass}${rest};`,
    };
}
const eolAt = (text, offset) => (text.slice(offset, text_edit_lineEnd(text, offset)).endsWith('\r\n') ? '\r\n' : '\n');
const indentAt = (text, offset) => /^[ \t]*/.exec(text.slice(lineStart(text, offset)))?.[0] ?? '';
/** The include as the first line of a block, or as its first directive where the whole block stands in one line. */
function firstLine(text, server, include) {
    const last = server.words.at(-1);
    const fail = (_offset, what) => unreadable(server.file, server.line, what);
    const brace = nextToken(text, last?.end ?? server.start, fail).start;
    const rest = text.slice(brace + 1, text_edit_lineEnd(text, brace));
    const shown = { file: server.file, line: lineOf(text, brace), where: 'as the first line of the server block', remove: '', add: include };
    if (!/^[ \t]*(#.*)?\r?\n$/.test(rest))
        return { ...shown, start: brace + 1, end: brace + 1, text: ` ${include}` };
    const start = text_edit_lineEnd(text, brace);
    const inner = (server.block ?? []).find((one) => one.file === server.file && within(one, server) && lineOf(text, one.start) > lineOf(text, brace));
    const indent = inner ? indentAt(text, inner.start) : `${indentAt(text, server.start)}    `;
    return { ...shown, start, end: start, text: `${indent}${include}${eolAt(text, brace)}` };
}
/** The include in a line before the one of a block, or in front of it where it does not begin its line. */
function lineAbove(text, block, include) {
    const line = lineStart(text, block.start);
    const shown = { ...at(block), where: 'before this line', remove: '', add: include };
    if (text.slice(line, block.start).trim())
        return { ...shown, where: `before the ${block.name} block in this line`, start: block.start, end: block.start, text: `${include} ` };
    return { ...shown, start: line, end: line, text: `${indentAt(text, block.start)}${include}${eolAt(text, block.start)}` };
}
/** The include in the place of a block; without one, the block goes with its lines. */
function blockEdit(text, block, include) {
    const remove = `${block.name} ${block.args.join(' ')} { … }`;
    if (!include)
        return { ...removal(text, block), remove };
    return { ...at(block), where: '', start: block.start, end: block.end, text: include, remove, add: include };
}
function removal(text, one) {
    const [first, last] = [lineStart(text, one.start), text_edit_lineEnd(text, one.end)];
    const alone = !text.slice(first, one.start).trim() && !text.slice(one.end, last).trim();
    const [start, end] = alone ? [first, last] : [one.start, one.end];
    return { ...at(one), where: '', start, end, text: '', remove: `${one.name} ${one.args.join(' ')};`, add: '' };
}
/** The configuration as it will be, read again: what is said of it is said by the same code as in each deploy. */
function changedConfig(config, edits, managed) {
    const files = new Map(config.files);
    for (const [file, text] of files)
        files.set(file, applyChanges(text, 0, edits.filter((edit) => edit.file === file)));
    for (const { path, text } of managed)
        files.set(path, text);
    return readFiles(files);
}
/** Changes of the site's files. @throws DeployError for a file that cannot be written again byte for byte */
function siteWrites(files, wanted, edits) {
    // First what includes the upstreams, then what sets the variable, last what only leads to it.
    const rank = (file) => {
        const added = edits.filter((edit) => edit.file === file).map(({ add }) => add);
        return added.includes(wanted.http.include) ? 0 : wanted.server && added.includes(wanted.server.include) ? 1 : 2;
    };
    return [...new Set(edits.map(({ file }) => file))].sort((one, other) => rank(one) - rank(other)).map((file) => {
        const before = files.get(file) ?? '';
        const mine = edits.filter((edit) => edit.file === file);
        if (before.includes('\uFFFD')) {
            throw new errors/* DeployError */.s({
                step: 'survey',
                what: `${file}, which has to be changed, holds bytes that are not UTF-8, in line ${lineOf(before, before.indexOf('\uFFFD'))} first`,
                next: `Write its comments in UTF-8 or plain ASCII, or make the changes by hand: ${mine.map(changeText).join('; ')}`,
                settings: [],
            });
        }
        return { file, before, after: applyChanges(before, 0, mine), hunks: hunksOf(before, mine) };
    });
}
/**
 * All files in order. nginx refuses a name that it does not know, and an upstream that is there twice: so an old upstream goes
 * before one of its name comes, while the site leads to the variable; and one that the site leads to goes after that.
 */
function writesOf(config, wanted, files, edits) {
    const late = (file) => file === wanted.http && wanted.variable !== '' && config.files.has(file.path);
    const write = ({ path, text }) => ({ file: path, before: config.files.get(path), after: text, hunks: undefined });
    const oldUpstream = edits.filter(({ remove, add }) => remove.startsWith('upstream ') && !add);
    const early = siteWrites(config.files, wanted, oldUpstream);
    const texts = new Map([...config.files, ...early.map(({ file, after }) => [file, after])]);
    const rest = edits.filter((edit) => !oldUpstream.includes(edit)).map((edit) => oldUpstream.reduce(shifted, edit));
    const site = siteWrites(texts, wanted, rest).map((one) => (early.some(({ file }) => file === one.file) ? { ...one, before: undefined } : one));
    return [...early, ...files.filter((file) => !late(file)).map(write), ...site, ...files.filter(late).map(write)];
}
/** A change where it stands once another one was made. */
function shifted(edit, { file, start, end, text }) {
    const by = edit.file === file && edit.start >= end ? text.length - (end - start) : 0;
    return { ...edit, start: edit.start + by, end: edit.end + by };
}
const changeText = ({ line, where, remove, add }) => `line ${line}: ${remove ? `\`${remove}\` becomes \`${add}\`` : `\`${add}\` ${where}`}`;
/** What the upstream has beside its server lines holds for it alone. */
function lostLines({ wanted, block }) {
    return [...walk(block?.block)]
        .filter(({ name, args }) => !(name === 'server' && args.slice(1).every((word) => word === 'down' || word === 'backup')))
        .map((one) => ({
        ...at(one),
        what: `${[one.name, ...one.args].join(' ')}: the upstream${wanted.upstreams.length > 1 ? 's' : ''} in ${wanted.http.path} ${wanted.upstreams.length > 1 ? 'do' : 'does'} not have this`,
        mend: 'Nothing, if that is well; else set switch: reload.',
    }));
}
/** The upstreams of setup have one address of this machine. An app that listens on another one alone would not be reached. */
function otherAddresses({ wanted, block }, options) {
    if (!block || wanted.upstreams.length < 2)
        return [];
    return serverLines(block, options)
        .filter(({ slot, address }) => slot && address?.host !== '127.0.0.1')
        .map(({ directive, address }) => ({
        ...at(directive),
        what: `server ${directive.args[0]}: nginx will connect to 127.0.0.1:${address?.port} in its place`,
        mend: 'Let the app listen there (a server on `localhost` may listen on ::1 only), or set switch: reload.',
    }));
}

;// CONCATENATED MODULE: ./src/engine/setup-text.ts


/** What setup has done, for the log. */
function doneText({ writes, shown }) {
    const managed = writes.filter(({ hunks }) => !hunks);
    return [
        ...managed.map(({ file, after }) => `Written: ${file}\n\n${indented(after)}`),
        shown.length ? `Changed, with the line as it was before:\n\n${shown.map(setup_text_changeText).join('\n')}` : '',
    ]
        .filter(Boolean)
        .join('\n\n');
}
/** What root has to do, for the log: commands to paste, and lines to change by hand. */
function toDoText({ writes, shown }, folder, nginxCommand) {
    const managed = writes.filter(({ hunks }) => !hunks);
    const nginx = nginxCommand.replace(/^sudo\s+(-n\s+)?/, '');
    return [
        'As root, on the host:',
        managed.length ? [`install -d -m 755 ${quoted((0,external_node_path_.dirname)(managed[0]?.file ?? folder))}`, ...managed.map(fileCommand)].join('\n') : '',
        shown.length ? `Change these lines. Their numbers are those of now, so begin with the last one:\n\n${shown.map(setup_text_changeText).join('\n')}` : '',
        'Then:',
        `${nginx} -t && ${nginx} -s reload`,
        'Run setup again after it: it says whether nginx follows.',
    ]
        .filter(Boolean)
        .join('\n\n');
}
/** The text of a file as a command that writes it, whatever the user's umask is. */
function fileCommand({ file, after }) {
    const lines = after.replace(/\n$/, '').split('\n').map((line) => `  ${(0,quote/* quote */.hD)(line)} \\\n`).join('');
    return `printf '%s\\n' \\\n${lines}  > ${quoted(file)}\nchmod 644 ${quoted(file)}`;
}
function setup_text_changeText({ file, line, where, remove, add }) {
    return [`${file}:${line}${where && ` (${where})`}`, remove && `  - ${remove}`, add && `  + ${add}`].filter(Boolean).join('\n');
}
const indented = (text) => text.trimEnd().split('\n').map((line) => `    ${line}`).join('\n');
const quoted = (path) => (/^[A-Za-z0-9._/:-]+$/.test(path) ? path : (0,quote/* quote */.hD)(path));

;// CONCATENATED MODULE: ./src/host/cksum.ts
const cksum_table = Array.from({ length: 256 }, (_, byte) => {
    let crc = byte << 24;
    for (let bit = 0; bit < 8; bit++)
        crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
    return crc;
});
/** What `cksum <file` prints for these bytes: checksum and size (POSIX, "cksum"). */
function cksum(text) {
    const bytes = Buffer.from(text);
    let crc = 0;
    const add = (byte) => void (crc = (crc << 8) ^ (cksum_table[((crc >>> 24) ^ byte) & 0xff] ?? 0));
    for (const byte of bytes)
        add(byte);
    for (let size = bytes.length; size > 0; size = Math.floor(size / 256))
        add(size & 0xff);
    return `${~crc >>> 0} ${bytes.length}`;
}

;// CONCATENATED MODULE: ./src/engine/steps/setup.ts


/** Writes nginx's files, tests them, reloads once and asks, else puts all back. Undefined when the user may not, and there is something to write. */
function setupStep(settings, facts, { writes, probes, visits }) {
    if (!facts.root && writes.length)
        return undefined;
    return {
        name: 'setup',
        does: `nginx: write ${[...new Set(writes.map(({ file }) => file))].join(', ') || 'nothing'}, nginx -t, reload, ask`,
        script: [
            call('bg_setup_writes', writes.map(writeWords)),
            call('bg_setup_probes', probes.map(questionWords)),
            call('bg_setup_visits', visits.map(questionWords)),
            'bg_step_setup',
        ].join('\n'),
        limitMs: settings.lockTimeout + 4 * settings.switchTimeout + 60_000,
        onFailure: 'back',
        needs: '',
    };
}
/** A function that calls its argument once for each line of words. */
function call(name, lines) {
    return [`${name}() {`, '  :', ...lines.map((words) => `  "$1" ${words.map(quote/* quote */.hD).join(' ')}`), '}'].join('\n');
}
/** The file, its checksum as it was read and as it has to be, then its whole text, or first line, last line and new text of each change. */
function writeWords({ file, before, after, hunks }) {
    const changes = hunks?.flatMap(({ from, to, text }) => [String(from), String(to), text]) ?? [after];
    return [file, before === undefined ? '' : cksum(before), cksum(after), ...changes];
}
/** The address to ask, where to connect, the PROXY protocol, the server block. */
function questionWords(route) {
    const usual = route.scheme === 'https' ? 443 : 80;
    const port = route.port === usual ? '' : `:${route.port}`;
    const url = `${route.scheme}://${route.serverName || route.connectTo}${port}${route.path}`;
    return [url, `${route.connectTo}:${route.port}`, route.proxyProtocol ? 'yes' : '', `${route.file}:${route.line}`];
}

;// CONCATENATED MODULE: ./src/engine/setup.ts













/**
 * Plans `command: setup`: a pure function of settings and facts.
 *
 * @throws DeployError when nginx cannot be set up as it is
 */
function makeSetup(settings, facts) {
    checkRoot(settings.root);
    const config = loadedConfig(facts);
    const ports = portsInForce(facts, settings.ports);
    const folder = (0,external_node_path_.dirname)(config.main);
    const files = (listen) => managedFilesFor(settings, facts, config, ports, listen);
    const wanted = files(settings.listen);
    const other = files(settings.listen === 'port' ? 'socket' : 'port');
    const options = { ...instantOptions(settings, facts, ports), healthPath: settings.healthPath };
    const plan = planSetup(config, wanted, other, options);
    if (plan.traps.length)
        throw trapsError(plan.traps);
    refuseOthers(settings, facts, config, wanted, options, plan);
    refuseUnaskable(settings, facts, plan);
    return { ...words(settings, facts, folder, plan), warnings: plan.warnings.map(trapText), script: scriptOf(settings, facts, config, folder, wanted, plan) };
}
/** Who serves now has to be who will be led to: setup gives the traffic to nobody else. */
function refuseOthers(settings, facts, config, wanted, options, plan) {
    if (plan.writes.length === 0)
        return;
    const refused = (what, next, settings) => new errors/* DeployError */.s({ step: 'survey', what, next, settings });
    if (facts.intent)
        throw refused('a switch was begun on this host and not ended', 'Run a deploy or a rollback first: it ends that one.', ['command']);
    if (facts.liveLink && !facts.live) {
        throw refused(`${settings.root}/live is not a link to slots/blue or slots/green`, `Look at it with: ls -l ${settings.root}/live. Only bluegreen writes it.`, ['root']);
    }
    const block = upstreams(config).find((one) => one.parent?.name === 'http' && one.file !== wanted.http.path && sameName(one.args[0] ?? '', settings.nginxUpstream));
    if (block && plan.shown.some(({ remove }) => remove)) {
        const lines = serverLines(block, options);
        slotLines(block, lines, options);
        const serving = servingOf(lines);
        if (serving !== (facts.live || 'blue'))
            throw servesElsewhere(settings, facts, options, `${block.file}:${block.line}`, serving);
    }
    const onPorts = new Set([...facts.listeners, ...Object.values(facts.slots).flatMap(({ alive, listen, port }) => (alive && listen === 'port' ? [port] : []))]);
    const [blue, green] = options.ports;
    if (settings.listen === 'socket' && onPorts.has(blue) && onPorts.has(green)) {
        throw refused(`apps listen on both ports, ${blue} and ${green}: until a release listens on a socket, nginx would send requests to both of them`, 'Stop the one that is not live: a deploy or a rollback with standby: false does so. Then run setup again.', ['standby', 'ports']);
    }
    const live = facts.live && facts.slots[facts.live];
    if (live && live.alive && settings.listen === 'port' && settings.ports.includes(live.port) && !facts.listeners.has(live.port)) {
        throw refused(`the live app does not listen on port ${live.port}, which nginx would lead to`, 'Deploy a release that listens on $PORT first, or set listen: socket.', ['listen', 'ports']);
    }
}
function servesElsewhere(settings, facts, { ports }, place, serving) {
    const says = serving === 'none' ? 'no slot' : serving === 'both' ? 'both slots' : `the ${serving} slot`;
    if (facts.live) {
        return new errors/* DeployError */.s({
            step: 'survey',
            what: `the upstream ${settings.nginxUpstream} (${place}) sends requests to ${says}, but the live slot is ${facts.live}: somebody changed it by hand`,
            next: `Decide which is right. Either let its server line name the port of ${facts.live}, or make ${settings.root}/live a link to the slot that nginx uses; then run setup again.`,
            settings: ['nginx-upstream', 'root'],
        });
    }
    return new errors/* DeployError */.s({
        step: 'survey',
        what: `the upstream ${settings.nginxUpstream} (${place}) sends requests to ${says}; without a release that is live, setup leads them to blue, port ${ports[0]}`,
        next: serving === 'green' ? `Set ports: ${ports[1]},${ports[0]}, so that what serves now is blue.` : `Let it send them to port ${ports[0]} alone, or deploy once before.`,
        settings: ['ports', 'nginx-upstream'],
    });
}
function refuseUnaskable(settings, facts, plan) {
    if (facts.tools.has('curl') || [...plan.probes, ...plan.visits].every(({ scheme, proxyProtocol }) => scheme === 'http' && !proxyProtocol))
        return;
    throw new errors/* DeployError */.s({
        step: 'survey',
        what: `the site of ${settings.app} is served over TLS or the PROXY protocol only, and asking it needs curl, which is not on the host`,
        next: 'Install curl on the host.',
        settings: [],
    });
}
function words(settings, facts, folder, plan) {
    if (plan.writes.length === 0)
        return { sentence: `nginx is set up already to follow ${settings.root}/live: no file was changed`, text: '' };
    if (facts.root)
        return { sentence: `nginx follows ${settings.root}/live from now on`, text: doneText(plan) };
    return {
        sentence: `nothing was changed, since only root may; with the lines below nginx follows ${settings.root}/live`,
        text: toDoText(plan, folder, facts.nginx.command),
    };
}
function scriptOf(settings, facts, config, folder, wanted, plan) {
    const called = asCalled(facts.nginx);
    const variables = (0,quote/* assignments */.TT)({
        BG_NG_COMMAND: facts.nginx.command,
        BG_NG_FOLDER: folder,
        BG_NG_PID_FILE: masterPidFile(config, called),
        BG_NG_ERROR_LOG: errorLogFile(config, called),
        BG_NG_TIMEOUT: (0,quote/* seconds */.YA)(settings.switchTimeout),
        BG_SU_FOLDER: (0,external_node_path_.dirname)(wanted.http.path),
        BG_SU_BLUE: wanted.probeAnswers.blue,
        BG_SU_GREEN: wanted.probeAnswers.green,
        BG_SU_ROOT: facts.root ? 'yes' : '',
    });
    const step = setupStep(settings, facts, plan);
    return (0,quote/* assignments */.TT)({ BG_PLAN_TEXT: variables }) + (step ? `bg_plan_step ${step.name} ${(0,quote/* seconds */.YA)(step.limitMs)} '' back ${(0,quote/* quote */.hD)(step.script)}\n` : '');
}

;// CONCATENATED MODULE: ./src/engine/run.ts












/** How long after a cancel the host's decision is waited for, in milliseconds: the runner kills soon after. */
const CANCEL_WAIT_MS = 5000;
/** What a host may take beyond the limits of its steps, in milliseconds. */
const run_AIR_MS = 60_000;
/** How long a host is tried to be reached that was lost, in milliseconds: it may be starting again. */
const REACH_AGAIN_MS = 60_000;
/** Runs one command on one host: survey, plan, run. Never throws: what goes wrong is in the outcome. */
async function execute(settings, door) {
    return new Execution(settings, door).run();
}
class Execution {
    settings;
    door;
    startedAt;
    progress;
    facts;
    plan;
    setup;
    end;
    session;
    status;
    /** The run as the host knows it. */
    asRun;
    /** The line was lost after the switch, and the host told later how it went on. */
    finishedAlone = false;
    connection;
    deadline;
    constructor(settings, door) {
        this.settings = settings;
        this.door = door;
        this.startedAt = door.startedAt;
        this.asRun = door.run;
        this.progress = new Progress((event) => door.emit(event), () => door.now(), this.startedAt, settings.host.host);
    }
    async run() {
        for (let tries = 0; (await this.attempt(tries)) === 'again'; tries++)
            this.beginAnew(tries + 1);
        return this.outcome();
    }
    /** From connecting to the end, or to where it may be begun anew. */
    async attempt(earlier) {
        try {
            this.connection = await this.connect();
            return this.connection ? await this.converse(this.connection, earlier) : 'over';
        }
        catch (error) {
            this.progress.fail(asDeployError(error).problem);
            this.progress.end('failure');
            return 'over';
        }
        finally {
            this.connection?.close();
        }
    }
    beginAnew(tries) {
        this.progress.problem = undefined;
        this.facts = this.plan = this.session = this.end = undefined;
        this.asRun = { ...this.door.run, key: `${this.door.run.key}.${tries}`, started: new Date(this.door.now()).toISOString() };
        this.door.begunAnew(this.asRun);
    }
    async connect() {
        this.progress.begin('connect', this.progress.steps.length ? undefined : this.startedAt);
        const connecting = this.door.connect({ onFailure: ({ problem }) => this.progress.note('warning', `${problem.what}; it is tried again`) });
        const connection = await Promise.race([connecting, whenAborted(this.door.cancelled)]);
        if (!connection)
            connecting.then((late) => late.close()).catch(() => { });
        else
            this.progress.note('notice', `host key ${connection.hostFingerprint}`);
        this.progress.end(connection ? 'success' : 'aborted');
        return connection;
    }
    /** Talks with the agent until it is done, the line is lost, or the time after a cancel is over. */
    async converse(connection, earlier) {
        const { command } = this.settings;
        const asked = command === 'deploy' || command === 'rollback' || command === 'setup' ? command : 'look';
        let ended = () => { };
        const done = new Promise((resolve) => (ended = resolve));
        // What still comes of a line that was lost is not the next try's.
        const { asRun } = this;
        const inForce = () => this.asRun === asRun;
        this.session = await (0,session/* startSession */.J)(connection, asked, this.settings, asRun, {
            message: (message) => inForce() && this.message(message, ended),
            output: (text) => inForce() && this.progress.output(text),
        });
        const cancel = whenAborted(this.door.cancelled).then(async () => {
            if (!inForce())
                return;
            this.progress.note('warning', 'cancelled: the host aborts before the switch, and finishes after it');
            this.session?.abort();
            await wait(CANCEL_WAIT_MS);
        });
        this.giveTime(2 * (this.settings.lockTimeout + this.settings.stepTimeout));
        await Promise.race([done, this.session.closed, cancel]);
        clearTimeout(this.deadline);
        if (this.end || this.door.cancelled.aborted)
            return 'over';
        const { code, signal, said, broken } = await this.session.closed;
        connection.close();
        if (broken !== undefined)
            throw notTheAgent(broken);
        // A line that was lost tells neither.
        if ((code ?? signal) !== null && !this.progress.step && this.progress.steps.at(-1)?.name === 'connect')
            throw agentDidNotStart(code, said);
        return (await Promise.race([this.lost(said, earlier), cancel])) ?? 'over';
    }
    /** The host ends each step at its limit; one that does not is left, however much it talks. */
    giveTime(ms) {
        clearTimeout(this.deadline);
        this.deadline = setTimeout(() => this.connection?.close(), ms + run_AIR_MS);
    }
    message(message, ended) {
        // The last word is the last one.
        if (this.end)
            return;
        switch (message.type) {
            case 'step-start':
                return this.progress.begin(message.step);
            case 'step-end':
                if (this.progress.step !== message.step)
                    return;
                if (message.how === 'warned')
                    return this.progress.endWithWarning(message.ms);
                if (message.how !== 'ok' && !this.progress.problem)
                    this.progress.fail(unexplained(message.step, message.status));
                return this.progress.end(this.statusOf(message), message.ms);
            case 'note':
                return this.progress.note(message.level, message.text);
            case 'problem':
                return this.progress.fail(new errors/* DeployError */.s(message).problem);
            case 'log':
                return this.progress.appLog(message.text);
            case 'facts':
                return this.surveyed(message.data);
            case 'end':
                this.end = this.backed(message);
                return ended();
            case 'begin':
            case 'alive':
            case 'held':
            case 'ledger':
                return;
        }
    }
    statusOf(message) {
        if (message.how === 'aborted')
            return 'aborted';
        // The plan is made within the survey: what it refuses is the survey's failure.
        return message.how === 'ok' && !(message.step === 'survey' && this.progress.problem) ? 'success' : 'failure';
    }
    /** Nothing went well that was never asked for: who says so is not the agent. */
    backed(end) {
        const { settings, plan, setup, status, progress } = this;
        const changes = settings.command === 'deploy' || settings.command === 'rollback';
        const hasStep = Boolean(setup?.script.includes('\nbg_plan_step '));
        const asked = {
            success: changes ? end.release === plan?.target.release : hasStep,
            skipped: changes && Boolean(plan?.skip),
            // A look that failed has a problem.
            looked: !changes && !hasStep && Boolean(plan ?? setup ?? status ?? progress.problem),
            failed: true,
            aborted: true,
        };
        if (asked[end.result])
            return end;
        progress.fail(notTheAgent(`it says "${end.result}" of what it was not asked to do`).problem);
        return { ...end, result: 'failed' };
    }
    /** The second act: facts become a plan, and the whole plan goes to the agent in one message. */
    surveyed(data) {
        if (this.facts)
            throw new Error('it tells its facts more than once');
        try {
            this.facts = (0,engine_facts/* readFacts */.MH)(data, this.session?.mark ?? '');
            if (this.facts.commit)
                this.tellCommit(this.facts.commit);
            if (this.settings.command === 'status')
                return this.tellStatus(this.facts);
            if (this.settings.command === 'setup')
                return this.prepare(this.facts);
            this.plan = makePlan(this.settings, this.facts, this.asRun);
            if (!this.facts.commit)
                this.tellCommit(this.plan.target.sha);
            for (const notice of this.plan.notices)
                this.progress.note('notice', notice);
            for (const warning of this.plan.warnings)
                this.progress.note('warning', warning);
            // Where nginx follows `live` by its files, the probe tells what it really does.
            const { mode, why, follows } = this.plan.nginx;
            if (!follows || this.settings.command === 'plan')
                this.progress.note('notice', `switch: ${mode}, since ${why}`);
            // What fails is switched back and reconciled, too.
            this.giveTime(this.plan.steps.reduce((sum, { limitMs }) => sum + limitMs, 2 * this.settings.stepTimeout));
            if (this.settings.command !== 'plan')
                this.session?.plan(this.plan.script);
        }
        catch (error) {
            this.progress.fail(asDeployError(error).problem);
            this.session?.abort();
        }
    }
    prepare(facts) {
        this.setup = makeSetup(this.settings, facts);
        this.giveTime(2 * this.settings.lockTimeout + 8 * this.settings.switchTimeout);
        for (const warning of this.setup.warnings)
            this.progress.note('warning', warning);
        this.session?.plan(this.setup.script);
    }
    /** What a deploy would refuse is a part of what there is to see. */
    tellStatus(facts) {
        this.status = statusOf(this.settings, facts, nginxOrProblem(this.settings, facts));
        const { drift, nginx } = this.status;
        for (const { what } of [...drift, ...(nginx.problem ? [nginx.problem] : [])])
            this.progress.note('warning', what);
    }
    tellCommit(sha) {
        this.door.emit({ type: 'commit', sha, ours: this.door.ours });
    }
    /** The agent is gone without a last word: what became of the run stands in the ledger, or nothing was changed. */
    async lost(said, earlier) {
        const { progress, settings } = this;
        // What a run refuses by itself it would refuse again.
        const refused = progress.problem;
        const during = progress.step ? ` during the step ${progress.step}` : '';
        const left = settings.retries - earlier;
        progress.fail(lineLost(during, said, left > 0).problem);
        progress.end('aborted');
        if (settings.command === 'setup')
            return 'over';
        const changes = settings.command === 'deploy' || settings.command === 'rollback';
        const fate = changes ? await this.fate() : undefined;
        if (this.door.cancelled.aborted || (changes && !fate?.told))
            return 'over';
        if (fate?.held || this.decided(fate?.line) || refused)
            return 'over';
        if (fate && fate.release === this.plan?.target.release)
            return 'over';
        if (fate && left <= 0)
            this.end ??= { type: 'end', result: 'failed', live: '', release: fate.release };
        if (left <= 0)
            return 'over';
        const twice = this.begunInThisTry('before-switch') ? ' The before-switch command had begun and runs once more.' : '';
        progress.note('warning', `the line to the host was lost${during}, and nothing was switched: the run is begun anew (setting retries).${twice}`);
        return 'again';
    }
    /** Asks the host what became of the run; undefined if it cannot be reached. */
    async fate() {
        const connect = () => this.door.connect({ leastMs: REACH_AGAIN_MS });
        try {
            const fate = await (0,ask_outcome/* askOutcome */.s)(this.settings, { connect, run: this.asRun });
            for (const { level, text } of fate.notes)
                this.progress.note(level, text);
            return fate;
        }
        catch (error) {
            this.progress.note('warning', `what became of the run could not be asked: ${asDeployError(error).problem.what}`);
            return undefined;
        }
    }
    /** Takes over what the ledger says. False when nothing was switched and nothing failed but the line. */
    decided(line) {
        // Without a plan there is no line of this run.
        if (!line || line.release !== this.plan?.target.release)
            return false;
        const { outcome, liveRelease: release } = line;
        const switched = release === line.release;
        this.progress.note('notice', `the host's ledger says of this run: ${outcome}; live is ${release || 'nothing'}`);
        const well = outcome === 'skipped' || (outcome === 'success' && switched);
        this.end = { type: 'end', result: well ? outcome : 'failed', live: '', release };
        if (outcome === 'died' && switched) {
            // The next run, or the question for it, has proved that it answers.
            this.end.result = 'success';
            this.progress.note('warning', 'the run died on the host after the switch: what comes after it (after-switch, prune) may not have been done');
        }
        if (this.end.result !== 'failed') {
            this.progress.problem = undefined;
            this.finishedAlone = switched;
        }
        return switched || (outcome !== 'aborted' && outcome !== 'died');
    }
    begunInThisTry(step) {
        const names = this.progress.steps.map(({ name }) => name);
        return names.lastIndexOf(step) > names.lastIndexOf('connect');
    }
    outcome() {
        this.progress.end('aborted');
        const { settings, facts, status, plan, setup, end, progress, door, finishedAlone } = this;
        const { steps, problem } = progress;
        return outcomeOf({ settings, facts, status, plan, setup, end, steps, problem, finishedAlone, cancelled: door.cancelled.aborted, startedAt: this.startedAt, endedAt: door.now() });
    }
}
function whenAborted(signal) {
    return new Promise((resolve) => {
        if (signal.aborted)
            resolve(undefined);
        else
            signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
}
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref());
function nginxOrProblem(settings, facts) {
    try {
        const listen = (facts.live && facts.slots[facts.live]?.listen) || settings.listen;
        return readNginx(settings, facts, portsInForce(facts, settings.ports), listen);
    }
    catch (error) {
        return asDeployError(error).problem;
    }
}


/***/ }),

/***/ 3758:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   H: () => (/* binding */ inMarkdown),
/* harmony export */   O: () => (/* binding */ fenced)
/* harmony export */ });
/** Text in which Markdown and HTML mean nothing, and no address becomes a link. Line feeds and control characters are the caller's to see to. */
function inMarkdown(text) {
    return text
        .replace(/&/g, '&amp;')
        .replace(/</g, '&lt;')
        .replace(/>/g, '&gt;')
        .replace(/[\\`*_[\]|~#$!]/g, '\\$&')
        .replace(/:\/\//g, '&#58;//')
        .replace(/www\./gi, (www) => `${www.slice(0, 3)}&#46;`)
        // An entity would not do: mail addresses and mentions are looked for in what entities became.
        .replace(/@(?=[a-z0-9])/gi, '@<!-- -->');
}
/** A block of text; its fence is longer than any run of backticks inside. */
function fenced(text, language = 'text') {
    const runs = text.match(/`+/g) ?? [];
    const fence = '`'.repeat(runs.reduce((longest, run) => Math.max(longest, run.length), 2) + 1);
    return `${fence}${language}\n${text}\n${fence}`;
}


/***/ })

};
