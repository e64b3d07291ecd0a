export const id = 141;
export const ids = [141];
export const modules = {

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


/***/ }),

/***/ 2564:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   AR: () => (/* binding */ shortOutput),
/* harmony export */   FL: () => (/* binding */ progressOutput),
/* harmony export */   U4: () => (/* binding */ finalOutput),
/* harmony export */   os: () => (/* binding */ checkAnnotation)
/* harmony export */ });
/* harmony import */ var _clean_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(23);
/* harmony import */ var _markdown_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(4285);


/** GitHub's limits: characters for the title and the two texts, bytes for an annotation's parts. */
const longestTitle = 255;
const longestText = 65_535;
const longestMessage = 60 * 1024;
const cutLine = '… (the rest is left out: a check run shows at most 65,535 characters)';
/** A step's annotation as the API takes it, on the first line of the workflow's file. */
function checkAnnotation(annotation, path) {
    return {
        path,
        start_line: 1,
        end_line: 1,
        annotation_level: annotation.level,
        title: (0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .oneLine */ .TN)(annotation.step, longestTitle),
        message: (0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .cutText */ .IN)(annotation.message, longestMessage, '… (cut)') || annotation.step,
        ...(annotation.details ? { raw_details: (0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .cutText */ .IN)(annotation.details, longestMessage, '… (cut)') } : {}),
    };
}
/** What the check run says while the run is under way. */
function progressOutput(info, step) {
    const title = (0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .oneLine */ .TN)(`${info.command} of ${info.app}: ${step || 'starting'}`, longestTitle);
    return { title, summary: `${(0,_markdown_js__WEBPACK_IMPORTED_MODULE_0__/* .escapeMarkdown */ .FV)(title)}, on its way.`, text: runLink(info) };
}
/** What the check run says at the end: the outcome and what to do in its summary; the run, the steps and details in its text. */
function finalOutput(info, outcome) {
    const { problem } = outcome;
    const summary = [(0,_markdown_js__WEBPACK_IMPORTED_MODULE_0__/* .escapeMarkdown */ .FV)(outcome.sentence), problem && (0,_markdown_js__WEBPACK_IMPORTED_MODULE_0__/* .problemMarkdown */ .P5)(problem)];
    const text = [runLink(info), (0,_markdown_js__WEBPACK_IMPORTED_MODULE_0__/* .stepTable */ .Ph)(outcome.steps), problem && (0,_markdown_js__WEBPACK_IMPORTED_MODULE_0__/* .detailsMarkdown */ .GE)(problem, 16 * 1024)];
    return { title: titleOf(outcome), summary: limited(summary), text: limited(text) };
}
/** The least that can be said, for when GitHub refuses the whole. */
function shortOutput(info, outcome) {
    return { title: titleOf(outcome), summary: (0,_markdown_js__WEBPACK_IMPORTED_MODULE_0__/* .escapeMarkdown */ .FV)(titleOf(outcome)), text: runLink(info) };
}
function titleOf(outcome) {
    return (0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .oneLine */ .TN)(outcome.sentence, longestTitle) || outcome.conclusion;
}
/** GitHub may list a check run under another run of the same commit: the text says which run made it. */
function runLink(info) {
    return info.runUrl ? `[The workflow's run](${info.runUrl}), attempt ${info.runAttempt}. ${info.runUrl}` : '';
}
function limited(parts) {
    return (0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .cutText */ .IN)(parts.filter(Boolean).join('\n\n'), longestText, cutLine);
}


/***/ }),

/***/ 2158:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   K: () => (/* binding */ iso),
/* harmony export */   z: () => (/* binding */ CheckRunReporter)
/* harmony export */ });
/* harmony import */ var _check_run_text_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(2564);
/* harmony import */ var _clean_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(23);
/* harmony import */ var _format_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(2011);
/* harmony import */ var _requests_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(3722);
/* harmony import */ var _run_info_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(9420);





/** GitHub takes so many annotations in a request, and adds those of later requests to them. */
const mostAnnotations = 50;
/**
 * The check run of a deploy or rollback. One request at a time; what happens meanwhile gathers and goes in the next one.
 * No answer from the API stops the live updates; at the end everything is tried once more. A refusal ends it for good.
 */
class CheckRunReporter {
    api;
    info;
    options;
    requests;
    output = new _clean_js__WEBPACK_IMPORTED_MODULE_4__/* .LastOutput */ .KQ();
    startedAt;
    queue = [];
    sending;
    run;
    headSha = '';
    step = '';
    busy = false;
    failed = false;
    stalled = false;
    refused = false;
    told = false;
    constructor(api, info, options) {
        this.api = api;
        this.info = info;
        this.options = options;
        this.requests = new _requests_js__WEBPACK_IMPORTED_MODULE_2__/* .Requests */ .lv(options.timing);
        this.startedAt = options.now();
    }
    get url() {
        return this.run?.html_url ?? '';
    }
    get id() {
        return this.run?.id;
    }
    start() {
        if (this.info.deploySha)
            this.head(this.info.deploySha, this.info.ours);
    }
    event(event) {
        if (event.type === 'commit')
            this.head(event.sha, event.ours);
        else if (event.type === 'output')
            this.output.add(event.text);
        else if (event.type === 'step-start') {
            this.step = event.step;
            this.output.clear();
        }
        else if (event.type === 'step-end') {
            this.failed ||= event.result.status === 'failure';
            this.add((0,_format_js__WEBPACK_IMPORTED_MODULE_1__/* .stepAnnotation */ .og)(event.result, event.problem, this.output.last(60, 16 * 1024)));
        }
    }
    finish(outcome) {
        return this.requests.lastActs(async () => {
            this.stalled = true;
            await this.sending;
            if (outcome.problem && !this.failed)
                this.add((0,_format_js__WEBPACK_IMPORTED_MODULE_1__/* .problemAnnotation */ .Lj)(outcome.problem));
            this.headSha ||= this.info.workflowSha;
            await this.complete(outcome);
        });
    }
    /** The commit that the check run stands on: the deployed one if it is this repository's. It cannot be changed later. */
    head(sha, ours) {
        this.headSha ||= ours ? sha : this.info.workflowSha;
        this.pump();
    }
    add(annotation) {
        this.queue.push((0,_check_run_text_js__WEBPACK_IMPORTED_MODULE_0__/* .checkAnnotation */ .os)(annotation, this.info.workflowPath || '.github'));
        this.pump();
    }
    /** Starts sending, unless that is under way already. */
    pump() {
        if (!this.busy && this.hasWork())
            this.sending = this.sendWaiting();
    }
    hasWork() {
        return this.headSha !== '' && !this.stalled && !this.refused && (!this.run || this.queue.length > 0);
    }
    async sendWaiting() {
        this.busy = true;
        while (this.hasWork())
            await this.tried(() => this.sendProgress());
        this.busy = false;
    }
    sendProgress() {
        return this.sendBatch({ status: 'in_progress', output: (0,_check_run_text_js__WEBPACK_IMPORTED_MODULE_0__/* .progressOutput */ .FL)(this.info, this.step) });
    }
    async complete(outcome) {
        while (!this.refused && this.queue.length > mostAnnotations) {
            if ((await this.tried(() => this.sendProgress())) === 'unreachable')
                break;
        }
        if (this.refused)
            return;
        const end = { status: 'completed', conclusion: outcome.conclusion, completed_at: iso(this.options.now()) };
        const result = await this.tried(() => this.sendBatch({ ...end, output: (0,_check_run_text_js__WEBPACK_IMPORTED_MODULE_0__/* .finalOutput */ .U4)(this.info, outcome) }));
        // GitHub did not like something in it, and its annotations are dropped: say at least how the run ended.
        if (result === 'invalid')
            await this.tried(() => this.sendBatch({ ...end, output: (0,_check_run_text_js__WEBPACK_IMPORTED_MODULE_0__/* .shortOutput */ .AR)(this.info, outcome) }));
    }
    /** Sends what is waiting, at most 50 annotations, as a new check run or as an update of it. */
    async sendBatch(update) {
        const annotations = this.queue.slice(0, mostAnnotations);
        const body = { ...update, output: { ...update.output, ...(annotations.length ? { annotations } : {}) } };
        const { run } = this;
        const sent = await this.requests.send((signal) => run ? this.api.updateCheckRun(run.id, body, signal) : this.api.createCheckRun({ ...this.identity(), ...body }, signal));
        this.queue.splice(0, annotations.length);
        this.run = sent;
        if (!run)
            this.options.created?.(sent);
    }
    identity() {
        return {
            name: (0,_run_info_js__WEBPACK_IMPORTED_MODULE_3__/* .checkRunName */ .$)(this.info),
            head_sha: this.headSha,
            started_at: iso(this.startedAt),
            external_id: this.info.runKey,
            ...(this.info.runUrl ? { details_url: this.info.runUrl } : {}),
        };
    }
    /** Runs a request; says how it went, and draws the consequences. Never rejects. */
    async tried(request) {
        try {
            await request();
            return 'sent';
        }
        catch (error) {
            const failure = (0,_requests_js__WEBPACK_IMPORTED_MODULE_2__/* .requestFailure */ .SU)(error);
            this.failedWith(failure);
            return failure.kind;
        }
    }
    failedWith(failure) {
        if (failure.kind === 'invalid')
            this.queue.splice(0, mostAnnotations);
        this.stalled ||= failure.kind === 'unreachable' || !this.run;
        this.refused ||= failure.kind === 'permission' || failure.kind === 'token';
        if (this.told)
            return;
        this.told = true;
        this.options.unavailable((0,_requests_js__WEBPACK_IMPORTED_MODULE_2__/* .explain */ .WE)('The check run was not written', failure, 'checks: write'));
    }
}
/** Unix time in milliseconds as GitHub takes it. */
function iso(ms) {
    return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}


/***/ }),

/***/ 23:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   IN: () => (/* binding */ cutText),
/* harmony export */   KQ: () => (/* binding */ LastOutput),
/* harmony export */   QK: () => (/* binding */ colourText),
/* harmony export */   RT: () => (/* binding */ tail),
/* harmony export */   TN: () => (/* binding */ oneLine),
/* harmony export */   tJ: () => (/* binding */ inert),
/* harmony export */   wB: () => (/* binding */ isUnusual),
/* harmony export */   wh: () => (/* binding */ plainText)
/* harmony export */ });
/** Escape sequences of a terminal: CSI, OSC, DCS and the like, charset choices, two-character ones, a lone ESC. */
const escapes = /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c\n]*(?:\x1b\\|\x9c)?|\x1b[ -/]+[0-~]?|\x1b[0-~]?/g;
const colour = /^\x1b\[[0-9;:]*m$/;
const controls = /[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]/g;
const halfPair = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const unusual = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;
const beyondColour = /[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]|\x1b(?!\[[0-9;:]*m)/;
/** Whether a text holds anything that `plainText` would change. */
function isUnusual(text) {
    return unusual.test(text) || halfPair.test(text);
}
/** The text without escape sequences and without control characters, except `\n` and `\t`. */
function plainText(text) {
    return clean(text, () => '');
}
/** Like `plainText`, but colours (SGR sequences) stay. */
function colourText(text) {
    if (!beyondColour.test(text) && !halfPair.test(text))
        return text;
    return clean(text, (sequence) => (colour.test(sequence) ? sequence : ''));
}
function clean(text, escape) {
    if (!isUnusual(text))
        return text;
    const rest = text.includes('\x1b') || /[\x80-\x9f]/.test(text) ? text.replace(escapes, escape) : text;
    const lines = rest.includes('\r') ? rest.split('\n').map(overwritten).join('\n') : rest;
    const shown = lines.replace(controls, '');
    return halfPair.test(shown) ? shown.replace(/\p{Surrogate}/gu, '\ufffd') : shown;
}
/** What a terminal still shows of a line in which carriage returns went back to its start: progress bars do that. */
function overwritten(line) {
    let end = line.length;
    while (end > 0 && line[end - 1] === '\r')
        end--;
    return line.slice(line.lastIndexOf('\r', end - 1) + 1, end);
}
/** `##[…]` is the runner's older form of a command, taken anywhere in a line and drawn by the log's page even while stopped. */
function inert(text) {
    return text.replaceAll('##[', '## [');
}
/** The first `bytes` bytes of a text (UTF-8), never half a character. */
function head(text, bytes) {
    const buffer = Buffer.from(text);
    let end = Math.max(0, Math.min(bytes, buffer.length));
    while (end > 0 && end < buffer.length && ((buffer[end] ?? 0) & 0xc0) === 0x80)
        end--;
    return buffer.toString('utf8', 0, end);
}
/**
 * A text of at most `bytes` bytes (UTF-8); what is longer is cut and ends with `line`, which says so.
 * GitHub's limits are in characters, which are never more than the bytes.
 */
function cutText(text, bytes, line) {
    if (Buffer.byteLength(text) <= bytes)
        return text;
    const ending = `\n\n${line}`;
    return `${head(text, bytes - Buffer.byteLength(ending))}${ending}`;
}
/** A text on one line of at most `bytes` bytes, cut with `…`; without escape sequences. */
function oneLine(text, bytes = 1000) {
    const line = plainText(text).replace(/\s+/g, ' ').trim();
    return Buffer.byteLength(line) <= bytes ? line : `${head(line, bytes - 3)}…`;
}
const leftOut = '… (what came before is left out)\n';
/** The last `lines` lines of a text, at most `bytes` bytes in all; says so when something is left out. */
function tail(text, lines, bytes) {
    const all = text.replace(/\n+$/, '').split('\n');
    const last = Buffer.from(all.slice(-lines).join('\n'));
    if (all.length <= lines && last.length <= bytes)
        return last.toString();
    let from = Math.max(0, last.length - (bytes - Buffer.byteLength(leftOut)));
    while (from < last.length && ((last[from] ?? 0) & 0xc0) === 0x80)
        from++;
    return `${leftOut}${last.toString('utf8', from)}`;
}
/** Keeps the last output of a step, in bounded memory whatever is printed. Give it redacted text: it cuts anywhere. */
class LastOutput {
    keep;
    text = '';
    constructor(keep = 32 * 1024) {
        this.keep = keep;
    }
    add(text) {
        this.text += text.length > this.keep ? copy(text.slice(-this.keep)) : text;
        if (this.text.length > 2 * this.keep)
            this.text = copy(this.text.slice(-this.keep));
    }
    clear() {
        this.text = '';
    }
    /** The last lines, plain, at most `bytes` bytes. */
    last(lines, bytes) {
        return tail(plainText(this.text.slice(-this.keep)), lines, bytes);
    }
}
/** A slice keeps the whole string that it came from in memory; a copy does not. */
function copy(text) {
    return Buffer.from(text).toString();
}


/***/ }),

/***/ 1479:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   F: () => (/* binding */ endDeployment),
/* harmony export */   H: () => (/* binding */ DeploymentReporter)
/* harmony export */ });
/* harmony import */ var _clean_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(23);
/* harmony import */ var _requests_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3722);


/** GitHub's limit for a description, in characters. */
const longestDescription = 140;
/** So many of the deployments before are looked at; each success clears those before it, so one is usual. */
const newest = 10;
/** Steps in which nothing of the deploy itself was tried yet. */
const preparing = ['', 'connect', 'lock', 'reconcile', 'survey', 'probe'];
/** A GitHub deployment of the run, in the environment that the settings name, with its statuses. */
class DeploymentReporter {
    api;
    info;
    options;
    requests;
    begun;
    deployment;
    told = false;
    constructor(api, info, options) {
        this.api = api;
        this.info = info;
        this.options = options;
        this.requests = new _requests_js__WEBPACK_IMPORTED_MODULE_0__/* .Requests */ .lv(options.timing);
    }
    get id() {
        return this.deployment;
    }
    start() {
        if (this.info.deploySha)
            this.begin(this.info.deploySha, this.info.ours);
    }
    event(event) {
        if (event.type === 'commit')
            this.begin(event.sha, event.ours);
    }
    /** Without a known commit there is no deployment: nothing was deployed, and GitHub would need a commit to hang it on. */
    finish(outcome) {
        return this.requests.lastActs(async () => {
            await this.begun;
            const id = this.deployment;
            if (id !== undefined)
                await this.tried(() => endDeployment(this.api, this.requests, this.info, id, outcome));
        });
    }
    begin(sha, ours) {
        this.begun ??= this.tried(() => this.create(ours ? sha : this.info.workflowSha, sha));
    }
    async create(ref, sha) {
        const { app, host, environment, command } = this.info;
        const { id } = await this.requests.send((signal) => this.api.createDeployment({
            ref,
            task: task(this.info),
            environment,
            auto_merge: false,
            required_contexts: [],
            description: (0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .oneLine */ .TN)(`${command} of ${app} to ${host}`, longestDescription),
            payload: { app, command, sha, run: this.info.runKey },
        }, signal));
        this.deployment = id;
        this.options.created?.(id);
        const status = statusBody(this.info, 'in_progress', `${command} of ${app} is under way`);
        await this.requests.send((signal) => this.api.createDeploymentStatus(id, status, signal));
    }
    async tried(acts) {
        try {
            await acts();
        }
        catch (error) {
            if (!this.told)
                this.options.unavailable((0,_requests_js__WEBPACK_IMPORTED_MODULE_0__/* .explain */ .WE)('The deployment was not recorded', (0,_requests_js__WEBPACK_IMPORTED_MODULE_0__/* .requestFailure */ .SU)(error), 'deployments: write'));
            this.told = true;
        }
    }
}
/** Gives a deployment its last status; after a success, those before it that still count as active become inactive. */
async function endDeployment(api, requests, info, id, outcome) {
    const state = finalState(outcome);
    await requests.send((signal) => api.createDeploymentStatus(id, statusBody(info, state, outcome.sentence), signal));
    if (state === 'success')
        await retireOthers(api, requests, info, id);
}
/** Only those in state `success`: a failed one keeps saying that it failed. */
async function retireOthers(api, requests, info, id) {
    const filter = { environment: info.environment, task: task(info), newest };
    const found = await requests.send((signal) => api.listDeployments(filter, signal));
    const retire = async (other) => {
        if ((await requests.send((signal) => api.deploymentState(other, signal))) !== 'success')
            return;
        const status = statusBody(info, 'inactive', 'Another release is live now');
        await requests.send((signal) => api.createDeploymentStatus(other, status, signal));
    };
    await Promise.all(found.filter((other) => other.id !== id).map((other) => retire(other.id)));
}
/**
 * What GitHub shows of a run that ended. One that was cancelled or skipped before the switch is `inactive`: GitHub draws
 * that in grey and leaves the deployment before it as the active one, which is the truth; `error` and `failure` are red and
 * would blame a commit that was never tried. What is live is a success, even if the job was cancelled after the switch.
 */
function finalState(outcome) {
    if (outcome.conclusion === 'success')
        return 'success';
    if (outcome.conclusion === 'failure')
        return preparing.includes(outcome.problem?.step ?? '') ? 'error' : 'failure';
    return outcome.switched ? 'success' : 'inactive';
}
function statusBody(info, state, description) {
    return {
        state,
        description: (0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .oneLine */ .TN)(description, longestDescription),
        ...(info.runUrl ? { log_url: info.runUrl } : {}),
        ...(info.environmentUrl && state === 'success' ? { environment_url: info.environmentUrl } : {}),
        // GitHub's own clearing goes by environment alone: it would retire another app's deployment, and it skips production.
        auto_inactive: false,
    };
}
function task(info) {
    return `deploy:${info.app}`;
}


/***/ }),

/***/ 2011:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Gk: () => (/* binding */ conclusionMarks),
/* harmony export */   Lj: () => (/* binding */ problemAnnotation),
/* harmony export */   l6: () => (/* binding */ stepLine),
/* harmony export */   og: () => (/* binding */ stepAnnotation),
/* harmony export */   p0: () => (/* binding */ duration),
/* harmony export */   vY: () => (/* binding */ stepMarks)
/* harmony export */ });
/* unused harmony export stepSays */
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3916);
/* harmony import */ var _clean_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(23);


/** A time as people read it: `12 ms`, `0.4 s`, `2 min 5 s`. Takes milliseconds. */
function duration(ms) {
    if (ms < 100)
        return `${Math.round(ms)} ms`;
    if (ms < 60_000)
        return `${(ms / 1000).toFixed(1)} s`;
    const seconds = Math.round(ms / 1000);
    return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
const stepMarks = { success: '✓', warning: '!', failure: '✗', skipped: '-', aborted: '■' };
const conclusionMarks = { success: '✓', failure: '✗', cancelled: '■', skipped: '-' };
const levels = { success: 'notice', skipped: 'notice', warning: 'warning', aborted: 'warning', failure: 'failure' };
/** What a step has to say in one line: its problem, else its last note of the worst level. */
function stepSays(result, problem) {
    if (problem)
        return (0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .oneLine */ .TN)(problem.what);
    const worst = ['failure', 'warning', 'notice'].map((level) => result.notes.filter((note) => note.level === level).at(-1)).find(Boolean);
    return (0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .oneLine */ .TN)(worst?.text ?? '');
}
/** The line for a step that ended: `✓ health  0.4 s  healthy: 200, 2 passes`. */
function stepLine(result, problem) {
    return [`${stepMarks[result.status]} ${(0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .oneLine */ .TN)(result.name)}`, duration(result.ms), stepSays(result, problem)].filter(Boolean).join('  ');
}
/** Makes the annotation of a step. `output`: the last output of it, plain. */
function stepAnnotation(result, problem, output) {
    const notes = result.notes.map((note) => (0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .plainText */ .wh)(note.text));
    const lines = [`${result.status} in ${duration(result.ms)}`, ...notes, problem ? (0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .plainText */ .wh)((0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .problemText */ .f)(problem)) : ''];
    return {
        step: result.name,
        level: levels[result.status],
        message: (0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .cutText */ .IN)(lines.filter(Boolean).join('\n'), 16 * 1024, '… (cut)'),
        details: result.status === 'failure' ? failureDetails(problem, output) : '',
    };
}
/** The annotation of a failure that no step reported. */
function problemAnnotation(problem) {
    const message = (0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .cutText */ .IN)((0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .plainText */ .wh)((0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .problemText */ .f)(problem)), 16 * 1024, '… (cut)');
    return { step: problem.step || 'run', level: 'failure', message, details: failureDetails(problem, '') };
}
function failureDetails(problem, output) {
    const details = (0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .plainText */ .wh)(problem?.details ?? '').trimEnd();
    const both = output.includes(details) ? output : [output.trimEnd(), details].filter(Boolean).join('\n\n');
    return (0,_clean_js__WEBPACK_IMPORTED_MODULE_1__/* .tail */ .RT)(both, 60, 16 * 1024);
}


/***/ }),

/***/ 5926:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   DI: () => (/* binding */ redactedApi),
/* harmony export */   aB: () => (/* binding */ gitHubApi),
/* harmony export */   eT: () => (/* binding */ redactStrings)
/* harmony export */ });
/** GitHub's API, by Octokit, which is loaded with the first request; the runner's proxy settings hold. */
function gitHubApi(info) {
    const load = async () => (await __webpack_require__.e(/* import() */ 413).then(__webpack_require__.bind(__webpack_require__, 2413))).getOctokit(info.token, info.apiUrl ? { baseUrl: info.apiUrl } : {}).rest;
    let loaded;
    const rest = () => (loaded ??= load());
    const [owner = '', repo = ''] = info.repository.split('/');
    const at = (signal) => ({ owner, repo, request: { signal } });
    return {
        createCheckRun: async (run, signal) => (await (await rest()).checks.create({ ...run, ...at(signal) })).data,
        updateCheckRun: async (id, run, signal) => (await (await rest()).checks.update({ check_run_id: id, ...run, ...at(signal) })).data,
        async createDeployment(deployment, signal) {
            const { data } = await (await rest()).repos.createDeployment({ ...deployment, ...at(signal) });
            // 202: GitHub merged a branch instead of deploying. Not with auto_merge off, but its answer has no id.
            if (!('id' in data))
                throw new Error(data.message ?? 'no deployment was made');
            return data;
        },
        async createDeploymentStatus(id, status, signal) {
            await (await rest()).repos.createDeploymentStatus({ deployment_id: id, ...status, ...at(signal) });
        },
        listDeployments: async ({ newest, ...filter }, signal) => (await (await rest()).repos.listDeployments({ ...filter, per_page: newest, ...at(signal) })).data,
        deploymentState: async (id, signal) => (await (await rest()).repos.listDeploymentStatuses({ deployment_id: id, per_page: 1, ...at(signal) })).data[0]?.state ?? '',
    };
}
/**
 * The same API, with all free text redacted: whatever a reporter forgot, no secret leaves in a request.
 * Names, commits and states stay: they are checked settings or GitHub's own words, and branch rules go by a check run's name.
 */
function redactedApi(api, redact) {
    const output = (run) => ({ ...run, output: redactStrings(run.output, redact, ['path', 'annotation_level']) });
    return {
        ...api,
        createCheckRun: (run, signal) => api.createCheckRun(output(run), signal),
        updateCheckRun: (id, run, signal) => api.updateCheckRun(id, output(run), signal),
        createDeployment: (deployment, signal) => api.createDeployment({ ...deployment, description: redact(deployment.description), payload: redactStrings(deployment.payload, redact) }, signal),
        createDeploymentStatus: (id, status, signal) => api.createDeploymentStatus(id, redactStrings(status, redact, ['state', 'log_url']), signal),
    };
}
/** A copy of a JSON value with every string redacted, except under the keys in `keep`. */
function redactStrings(value, redact, keep = []) {
    const visit = (part) => {
        if (typeof part === 'string')
            return redact(part);
        if (Array.isArray(part))
            return part.map(visit);
        if (typeof part !== 'object' || part === null)
            return part;
        return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, keep.includes(key) ? inner : visit(inner)]));
    };
    return visit(value);
}


/***/ }),

/***/ 4285:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   FV: () => (/* binding */ escapeMarkdown),
/* harmony export */   GE: () => (/* binding */ detailsMarkdown),
/* harmony export */   P5: () => (/* binding */ problemMarkdown),
/* harmony export */   Ph: () => (/* binding */ stepTable)
/* harmony export */ });
/* harmony import */ var _markdown_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(3758);
/* harmony import */ var _clean_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(23);
/* harmony import */ var _format_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(2011);



/** Text from elsewhere, to be read as it is: one line in which Markdown and HTML mean nothing, and no address becomes a link. */
const escapeMarkdown = (text) => (0,_markdown_js__WEBPACK_IMPORTED_MODULE_1__/* .inMarkdown */ .H)((0,_clean_js__WEBPACK_IMPORTED_MODULE_2__/* .plainText */ .wh)(text).trim()).replace(/\n+/g, '<br>');
const emoji = { success: '✅', warning: '⚠️', failure: '❌', skipped: '⏭️', aborted: '⏹️' };
const longestCell = 2000;
/** The steps as a table: name, status, time, what was said. */
function stepTable(steps) {
    const rows = steps.map((step) => {
        const said = step.notes.map((note) => escapeMarkdown((0,_clean_js__WEBPACK_IMPORTED_MODULE_2__/* .cutText */ .IN)(note.text, longestCell, '…'))).join('<br>');
        return `| ${escapeMarkdown(step.name)} | ${emoji[step.status]} ${step.status} | ${(0,_format_js__WEBPACK_IMPORTED_MODULE_0__/* .duration */ .p0)(step.ms)} | ${said} |`;
    });
    return rows.length ? ['| Step | Status | Time | |', '| --- | --- | ---: | --- |', ...rows].join('\n') : '';
}
/** What happened, where, what to do, which settings: paragraphs of Markdown. */
function problemMarkdown(problem) {
    const place = [problem.step && `step **${escapeMarkdown(problem.step)}**`, problem.host && `host **${escapeMarkdown(problem.host)}**`].filter(Boolean).join(', ');
    const settings = problem.settings.map((setting) => `\`${(0,_clean_js__WEBPACK_IMPORTED_MODULE_2__/* .plainText */ .wh)(setting).replaceAll('`', '')}\``).join(', ');
    return [
        `**What happened:** ${escapeMarkdown(problem.what)}`,
        place && `**Where:** ${place}`,
        `**What to do:** ${escapeMarkdown(problem.next)}`,
        settings && `**Settings that change it:** ${settings}`,
    ]
        .filter(Boolean)
        .join('\n\n');
}
/** The end of a problem's details in a block, or nothing. `bytes`: at most so much of it. */
function detailsMarkdown(problem, bytes) {
    const details = (0,_clean_js__WEBPACK_IMPORTED_MODULE_2__/* .plainText */ .wh)(problem.details).trimEnd();
    return details ? (0,_markdown_js__WEBPACK_IMPORTED_MODULE_1__/* .fenced */ .O)((0,_clean_js__WEBPACK_IMPORTED_MODULE_2__/* .tail */ .RT)(details, 500, bytes)) : '';
}


/***/ }),

/***/ 649:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   $: () => (/* binding */ redactor)
/* harmony export */ });
const shown = '***';
/** Shorter ones (`1`, `on`) would blank out half of every report and protect nothing. */
const shortestSecret = 4;
const shortestPart = 6;
/**
 * A function that replaces each secret by `***`, also where it stands in base64 (alone or in a longer text), URL-encoded,
 * escaped for JSON or for a shell, and each of its lines of 6 or more characters, alone or escaped.
 * The runner does the same for the log and the summary; it does not see what is sent to the API.
 */
function redactor(secrets) {
    const forms = [...new Set(secrets.flatMap(formsOf))].sort((a, b) => b.length - a.length);
    const redact = (text) => forms.reduce((rest, form) => (rest.includes(form) ? rest.replaceAll(form, shown) : rest), text);
    return Object.assign(redact, { longest: forms[0]?.length ?? 0 });
}
function formsOf(secret) {
    const whole = secret.trim();
    if (whole.length < shortestSecret)
        return [];
    // A key may have been pasted with `\n` written out.
    const lines = whole.split(/\r?\n|\\n/).map((line) => line.trim());
    const parts = lines.length > 1 ? lines.filter((line) => line.length >= shortestPart && !/^-----(BEGIN|END) /.test(line)) : [];
    return [secret, whole, ...parts, ...parts.flatMap(escapes), ...encodings(secret), ...(secret === whole ? [] : encodings(whole))].filter((form) => form.trim().length >= shortestSecret);
}
function encodings(secret) {
    const url = encodeWellFormed(secret);
    const json = JSON.stringify(secret).slice(1, -1);
    return [url, url.replaceAll('%20', '+'), json.replaceAll('/', '\\/'), ...escapes(secret), ...base64Forms(secret)];
}
/** As JSON has it, and as `export` and `set` print it: in single quotes (by hand, by dash), in bash's double quotes, in `$'…'` (and in JavaScript, Python, PHP). */
function escapes(secret) {
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
function encodeWellFormed(text) {
    return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'));
}
/** Base64 of the secret alone, and the part of it that stays the same after one or two bytes before it (`user:secret`). */
function base64Forms(secret) {
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


/***/ }),

/***/ 3722:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   QP: () => (/* binding */ defaultTiming),
/* harmony export */   SU: () => (/* binding */ requestFailure),
/* harmony export */   WE: () => (/* binding */ explain),
/* harmony export */   lv: () => (/* binding */ Requests)
/* harmony export */ });
/* unused harmony export RequestFailure */
/* harmony import */ var _clean_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(23);

const defaultTiming = { requestMs: 10_000, retryDelaysMs: [500, 2_000], finishMs: 15_000 };
class RequestFailure extends Error {
    kind;
    constructor(kind, message) {
        super(message);
        this.kind = kind;
        this.name = 'RequestFailure';
    }
}
/**
 * What a failed request means.
 * GitHub answers a missing permission with 403, or with 404 where the token may not even see the thing; rate limits are 403 or 429.
 */
function requestFailure(error) {
    if (error instanceof RequestFailure)
        return error;
    const message = (0,_clean_js__WEBPACK_IMPORTED_MODULE_0__/* .oneLine */ .TN)(messages(error).join(': '), 500);
    const status = typeof error === 'object' && error !== null && 'status' in error && typeof error.status === 'number' ? error.status : 0;
    return new RequestFailure(kindOf(status, message), status >= 400 && status < 500 ? `${status}: ${message}` : message);
}
/** An error's message and those of its causes: `fetch failed` alone tells nobody anything. */
function messages(error) {
    if (typeof error !== 'object' || error === null)
        return [String(error)];
    const { message, code, cause } = error;
    const own = [message, code].filter((text) => typeof text === 'string' && text !== '');
    const inner = cause === undefined ? [] : messages(cause);
    return own.filter((text) => !inner.some((other) => other.includes(text))).concat(inner).slice(0, 4);
}
function kindOf(status, message) {
    if (status === 401)
        return 'token';
    if (status === 429 || /rate limit/i.test(message))
        return 'unreachable';
    if (status === 403 || status === 404)
        return 'permission';
    return status >= 400 && status < 500 ? 'invalid' : 'unreachable';
}
/** What a person is told: what could not be written, why, what to do. */
function explain(what, failure, permission) {
    const why = {
        permission: `GitHub answered ${failure.message}. Add \`${permission}\` to the job's permissions; a run for a pull request from a fork never gets it.`,
        token: `GitHub refused the token (${failure.message}). Check the setting github-token.`,
        invalid: `GitHub refused the request (${failure.message}).`,
        unreachable: `GitHub's API did not answer as it should (${failure.message}).`,
    };
    return `${what}: ${why[failure.kind]}`;
}
/** The requests of one reporter: each has a time limit and a few tries, and all end when the reporter's time is over. */
class Requests {
    timing;
    over = new AbortController();
    constructor(timing) {
        this.timing = timing;
    }
    /** Makes a request. A try that got no answer may have been carried out all the same. Throws RequestFailure. */
    async send(call) {
        for (const delay of [...this.timing.retryDelaysMs, undefined]) {
            try {
                return await this.once(call);
            }
            catch (error) {
                const failure = requestFailure(error);
                if (failure.kind !== 'unreachable' || delay === undefined || this.over.signal.aborted)
                    throw failure;
                await this.wait(delay);
            }
        }
        throw new RequestFailure('unreachable', 'no try is left');
    }
    /** Runs the last acts of a reporter: requests under way or still to come are given up when its time is over. */
    async lastActs(acts) {
        const reason = new RequestFailure('unreachable', `not done within ${this.timing.finishMs} ms`);
        const timer = setTimeout(() => this.over.abort(reason), this.timing.finishMs);
        try {
            await acts();
        }
        finally {
            clearTimeout(timer);
        }
    }
    async once(call) {
        const limit = new AbortController();
        const giveUp = () => limit.abort(this.over.signal.reason);
        const timer = setTimeout(() => limit.abort(new RequestFailure('unreachable', `no answer within ${this.timing.requestMs} ms`)), this.timing.requestMs);
        this.over.signal.addEventListener('abort', giveUp);
        try {
            if (this.over.signal.aborted)
                throw requestFailure(this.over.signal.reason);
            return await Promise.race([call(limit.signal), aborted(limit.signal)]);
        }
        finally {
            clearTimeout(timer);
            this.over.signal.removeEventListener('abort', giveUp);
        }
    }
    wait(ms) {
        return new Promise((resolve) => {
            const done = () => {
                clearTimeout(timer);
                this.over.signal.removeEventListener('abort', done);
                resolve();
            };
            const timer = setTimeout(done, ms);
            this.over.signal.addEventListener('abort', done);
        });
    }
}
function aborted(signal) {
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(requestFailure(signal.reason))));
}


/***/ }),

/***/ 1579:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  e9: () => (/* binding */ AllReporters),
  BY: () => (/* binding */ RedactingReporter),
  Ah: () => (/* binding */ redactOutcome)
});

// EXTERNAL MODULE: ./src/report/github-api.ts
var github_api = __webpack_require__(5926);
// EXTERNAL MODULE: ./src/report/clean.ts
var clean = __webpack_require__(23);
;// CONCATENATED MODULE: ./src/report/output-lines.ts

const longestLine = 64 * 1024;
/**
 * Makes streamed output fit to be shown: whole lines, secrets redacted also where one came in two pieces, nothing left
 * of escape sequences but colours. Holds back at most one unfinished line of 64 KB.
 */
class OutputLines {
    redact;
    rest = '';
    constructor(redact) {
        this.redact = redact;
    }
    /** Takes output as it came; gives what can be shown of it now, maybe nothing. */
    push(text) {
        const end = text.lastIndexOf('\n') + 1;
        const whole = end > 0 ? this.rest + text.slice(0, end) : '';
        this.rest = end > 0 ? text.slice(end) : this.rest + text;
        return this.show(whole) + (this.rest.length > longestLine ? this.overflow() : '');
    }
    /** Gives the unfinished last line: no more output comes. */
    end() {
        const rest = this.rest;
        this.rest = '';
        return this.show(rest);
    }
    /** Part of a line that is too long to wait for: all but its end, where a secret may have begun. */
    overflow() {
        const line = this.redact(this.rest);
        const cut = Math.max(0, line.length - this.redact.longest);
        this.rest = line.slice(cut);
        return this.show(line.slice(0, cut));
    }
    show(text) {
        if (!(0,clean/* isUnusual */.wB)(text))
            return this.redact(text);
        return this.coloured(text) ?? text.split('\n').map((line) => this.coloured(line) ?? this.redact((0,clean/* plainText */.wh)(line))).join('\n');
    }
    /** The text with its colours, unless one stands inside a secret and would hide it from redaction. */
    coloured(text) {
        const shown = this.redact((0,clean/* colourText */.QK)(text));
        return (0,clean/* plainText */.wh)(shown) === this.redact((0,clean/* plainText */.wh)(text)) ? shown : undefined;
    }
}

;// CONCATENATED MODULE: ./src/report/safe-reporter.ts


/** Several reporters as one: each is told everything in their order, and one that fails does not disturb the others. */
class AllReporters {
    first;
    others;
    failed;
    broken = new Set();
    /** `first` ends before the others do; they end side by side. `failed` is told once about each that fails. */
    constructor(first, others, failed) {
        this.first = first;
        this.others = others;
        this.failed = failed;
    }
    start() {
        for (const reporter of [this.first, ...this.others])
            this.guarded(reporter, () => reporter.start());
    }
    event(event) {
        for (const reporter of [this.first, ...this.others])
            this.guarded(reporter, () => reporter.event(event));
    }
    async finish(outcome) {
        await this.ended(this.first, outcome);
        await Promise.all(this.others.map((reporter) => this.ended(reporter, outcome)));
    }
    async ended(reporter, outcome) {
        try {
            await reporter.finish(outcome);
        }
        catch (error) {
            this.note(reporter, error);
        }
    }
    guarded(reporter, call) {
        try {
            call();
        }
        catch (error) {
            this.note(reporter, error);
        }
    }
    note(reporter, error) {
        if (this.broken.has(reporter))
            return;
        this.broken.add(reporter);
        try {
            this.failed(`A report failed; the run is not affected: ${error instanceof Error ? error.message : String(error)}`);
        }
        catch {
            // The log itself is what failed: there is nowhere left to say it.
        }
    }
}
/** Passes everything on to a reporter with secrets redacted, and a step's output in whole lines, fit to be shown. */
class RedactingReporter {
    inner;
    redact;
    lines = new Map();
    constructor(inner, redact) {
        this.inner = inner;
        this.redact = redact;
    }
    start() {
        this.inner.start();
    }
    event(event) {
        if (event.type === 'output')
            return this.output(event.step, this.linesOf(event.step).push(event.text));
        if (event.type === 'step-end') {
            this.endLines(event.step);
            const problem = event.problem && redactProblem(event.problem, this.redact);
            return this.inner.event({ ...event, result: (0,github_api/* redactStrings */.eT)(event.result, this.redact, ['name', 'status', 'level']), problem });
        }
        this.inner.event(event.type === 'note' ? { ...event, text: this.redact(event.text) } : event);
    }
    finish(outcome) {
        for (const step of [...this.lines.keys()])
            this.endLines(step);
        return this.inner.finish(redactOutcome(outcome, this.redact));
    }
    linesOf(step) {
        const lines = this.lines.get(step) ?? new OutputLines(this.redact);
        this.lines.set(step, lines);
        return lines;
    }
    endLines(step) {
        this.output(step, this.lines.get(step)?.end() ?? '');
        this.lines.delete(step);
    }
    output(step, text) {
        if (text)
            this.inner.event({ type: 'output', step, text });
    }
}
/** An outcome without secrets in its texts. Commits, releases and slots stay as they are. */
function redactOutcome(outcome, redact) {
    return {
        ...outcome,
        sentence: redact(outcome.sentence),
        steps: (0,github_api/* redactStrings */.eT)(outcome.steps, redact, ['name', 'status', 'level']),
        problem: outcome.problem && redactProblem(outcome.problem, redact),
        extra: outcome.extra && redact(outcome.extra),
        extraText: outcome.extraText && redact(outcome.extraText),
    };
}
function redactProblem(problem, redact) {
    return (0,github_api/* redactStrings */.eT)(problem, redact, ['step', 'settings']);
}


/***/ })

};
