export const id = 910;
export const ids = [910];
export const modules = {

/***/ 8910:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createReporters: () => (/* binding */ createReporters)
});

// EXTERNAL MODULE: ./src/report/check-run.ts
var check_run = __webpack_require__(2158);
// EXTERNAL MODULE: ./src/report/deployment.ts
var report_deployment = __webpack_require__(1479);
// EXTERNAL MODULE: ./src/report/github-api.ts
var github_api = __webpack_require__(5926);
// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: ./node_modules/@actions/core/lib/core.js + 14 modules
var core = __webpack_require__(6421);
// EXTERNAL MODULE: ./src/errors.ts
var errors = __webpack_require__(3916);
// EXTERNAL MODULE: ./src/report/clean.ts
var clean = __webpack_require__(23);
// EXTERNAL MODULE: ./src/report/format.ts
var format = __webpack_require__(2011);
;// CONCATENATED MODULE: ./src/report/log-annotations.ts


/** The runner shows 10 annotations of a level for each step of a job, and drops the rest without a word. */
const mostOfALevel = 10;
/** The runner cuts an annotation's message there. */
const longestMessage = 4096;
const write = { notice: core.notice, warning: core.warning, failure: core.error };
/** Annotations in the log, for when there is no check run. Those given before it is switched on are shown then. */
class LogAnnotations {
    app;
    command;
    on = false;
    ended = false;
    waiting = [];
    shown = { notice: 0, warning: 0, failure: 0 };
    beyond = { notice: [], warning: [], failure: [] };
    /** `command` runs a function at a moment when the log takes workflow commands. */
    constructor(app, command) {
        this.app = app;
        this.command = command;
    }
    switchOn() {
        this.on = true;
        const waiting = this.waiting;
        this.waiting = [];
        for (const annotation of waiting)
            this.add(annotation);
        if (this.ended)
            this.end();
    }
    add(annotation) {
        if (!this.on)
            this.waiting.push(annotation);
        else if (this.shown[annotation.level] < mostOfALevel - 1)
            this.show(annotation);
        else
            this.beyond[annotation.level].push(annotation);
    }
    /** The last place of each level goes to what is left: one annotation, or the list of several. */
    end() {
        this.ended = true;
        for (const level of ['notice', 'warning', 'failure']) {
            const left = this.beyond[level].splice(0);
            if (left.length === 0)
                continue;
            const steps = left.map((annotation) => annotation.step);
            const message = left.map((annotation) => `${annotation.step}: ${(0,clean/* oneLine */.TN)(annotation.message, 300)}`).join('\n');
            this.show(left.length === 1 && left[0] ? left[0] : { step: `${steps.length} more steps`, level, message, details: '' });
        }
    }
    show(annotation) {
        this.shown[annotation.level]++;
        const title = `bluegreen: ${this.app}: ${annotation.step}`;
        this.command(() => write[annotation.level]((0,clean/* cutText */.IN)(annotation.message, longestMessage, '… (cut)'), { title }));
    }
}

;// CONCATENATED MODULE: ./src/report/log.ts






const levelMarks = { notice: '·', warning: '!', failure: '✗' };
/**
 * The job's log: a group for each step with its output as it comes, a line for each step that ended, the outcome.
 * Whatever comes from elsewhere is written while workflow commands are stopped, or on a line that cannot be one.
 */
class LogReporter {
    group;
    stopToken;
    midLine = false;
    /** What the unfinished line ends with, as far as it matters. */
    lineEnd = '';
    failed = false;
    output = new clean/* LastOutput */.KQ();
    annotations;
    constructor(app) {
        this.annotations = new LogAnnotations(app, (write) => this.command(write));
    }
    /** Switches annotations in the log on, for good: the steps that ended before get theirs now. */
    set annotate(on) {
        if (on)
            this.annotations.switchOn();
    }
    /** A line of the reporters' own. */
    say(text) {
        this.line((0,clean/* oneLine */.TN)(text, 4000));
    }
    start() { }
    event(event) {
        if (event.type === 'step-start')
            this.open(event.step);
        else if (event.type === 'output')
            this.stream(event.text);
        else if (event.type === 'note')
            this.foreign(`${levelMarks[event.level]} ${(0,clean/* plainText */.wh)(event.text)}\n`);
        else if (event.type === 'step-end') {
            this.close();
            this.line((0,format/* stepLine */.l6)(event.result, event.problem));
            this.failed ||= event.result.status === 'failure';
            this.annotations.add((0,format/* stepAnnotation */.og)(event.result, event.problem, this.output.last(60, 4096)));
        }
    }
    finish(outcome) {
        this.close();
        this.line(`${format/* conclusionMarks */.Gk[outcome.conclusion]} ${(0,clean/* oneLine */.TN)(outcome.sentence)} (${(0,format/* duration */.p0)(outcome.durationMs)})`);
        if (outcome.extraText) {
            this.foreign(`\n${(0,clean/* plainText */.wh)(outcome.extraText).trimEnd()}\n`);
            this.resumeCommands();
        }
        if (outcome.problem) {
            if (!this.failed)
                this.annotations.add((0,format/* problemAnnotation */.Lj)(outcome.problem));
            this.showProblem(outcome.problem);
        }
        this.annotations.end();
        return Promise.resolve();
    }
    showProblem(problem) {
        const details = (0,clean/* plainText */.wh)(problem.details).trimEnd();
        this.foreign(`\n${(0,clean/* plainText */.wh)((0,errors/* problemText */.f)(problem))}\n${details ? `\n${details}\n` : ''}`);
        this.resumeCommands();
    }
    open(step) {
        this.close();
        this.output.clear();
        this.command(() => core.startGroup((0,clean/* oneLine */.TN)(step)));
        this.group = step;
    }
    close() {
        this.command(() => {
            if (this.group !== undefined)
                core.endGroup();
        });
        this.group = undefined;
    }
    stream(text) {
        this.output.add(text);
        this.foreign((0,clean/* colourText */.QK)(text));
    }
    /** Runs something that writes workflow commands: at the start of a line, with commands in force. */
    command(write) {
        this.resumeCommands();
        this.endLine();
        write();
    }
    /** Text that may hold anything, also what looks like a workflow command. */
    foreign(text) {
        if (!text)
            return;
        if (this.stopToken === undefined) {
            this.endLine();
            this.stopToken = (0,external_node_crypto_.randomUUID)();
            this.write(`::stop-commands::${this.stopToken}\n`);
        }
        // A long line comes in pieces: `##` may have ended the last one.
        const joined = (0,clean/* inert */.tJ)(this.lineEnd + text);
        this.write(joined.slice(this.lineEnd.length));
    }
    resumeCommands() {
        if (this.stopToken === undefined)
            return;
        this.endLine();
        this.write(`::${this.stopToken}::\n`);
        this.stopToken = undefined;
    }
    /** One line that begins with words or a mark of ours. */
    line(text) {
        this.endLine();
        this.write(`${(0,clean/* inert */.tJ)(text)}\n`);
    }
    endLine() {
        if (this.midLine)
            this.write('\n');
    }
    write(text) {
        process.stdout.write(text);
        this.midLine = !text.endsWith('\n');
        this.lineEnd = /#{0,2}$/.exec((this.lineEnd + text).slice(-2))?.[0] ?? '';
    }
}

// EXTERNAL MODULE: ./src/report/redact.ts
var report_redact = __webpack_require__(649);
// EXTERNAL MODULE: ./src/report/requests.ts
var requests = __webpack_require__(3722);
// EXTERNAL MODULE: ./src/report/safe-reporter.ts + 1 modules
var safe_reporter = __webpack_require__(1579);
;// CONCATENATED MODULE: ./src/report/gantt.ts


const tags = { success: 'done', warning: 'active', failure: 'crit', aborted: 'crit', skipped: 'done' };
/**
 * A Mermaid Gantt chart of the steps that ran; empty when none did.
 * The axis counts from the start in units of the epoch (`%s`, `%Q`), since Mermaid draws other times in the reader's time zone.
 */
function gantt(steps, section) {
    const ran = steps.filter((step) => step.status !== 'skipped');
    if (ran.length === 0)
        return '';
    const end = Math.max(...ran.map((step) => step.startMs + step.ms));
    // A bar of a thousandth of the whole would not be seen; the time that counts is in its name.
    const shortest = Math.max(1, Math.ceil(end / 200));
    const bars = ran.map((step, index) => {
        const name = ganttText(`${format/* stepMarks */.vY[step.status]} ${step.name} ${(0,format/* duration */.p0)(step.ms)}`);
        return `    ${name} :${tags[step.status]}, s${index}, ${Math.max(0, Math.round(step.startMs))}, ${Math.max(shortest, Math.round(step.ms))}ms`;
    });
    const axis = end >= 10_000 ? '%s s' : '%Q ms';
    return ['gantt', '    dateFormat x', `    axisFormat ${axis}`, '    todayMarker off', `    section ${ganttText(section) || 'run'}`, ...bars].join('\n');
}
/** A name without the characters that end it or start something else in Mermaid's grammar. */
function ganttText(text) {
    return (0,clean/* oneLine */.TN)(text, 80).replace(/[:;#,%`"<>{}]/g, ' ').replace(/ +/g, ' ').trim();
}

// EXTERNAL MODULE: ./src/report/markdown.ts
var markdown = __webpack_require__(4285);
// EXTERNAL MODULE: ./src/report/run-info.ts
var run_info = __webpack_require__(9420);
;// CONCATENATED MODULE: ./src/report/summary.ts





/** GitHub takes 1 MiB a step, and shows nothing of a summary that is longer. */
const longestSummary = 1024 * 1024 - 4096;
const longestDetails = 64 * 1024;
const emoji = { success: '✅', failure: '❌', cancelled: '🚫', skipped: '⏭️' };
/** The job summary of a run, as GitHub's Markdown. */
function summaryMarkdown(outcome, info) {
    const { problem } = outcome;
    const chart = gantt(outcome.steps, info.app);
    const parts = [
        `### ${(0,markdown/* escapeMarkdown */.FV)((0,run_info/* checkRunName */.$)(info))}`,
        `${emoji[outcome.conclusion]} ${(0,markdown/* escapeMarkdown */.FV)(outcome.sentence)}`,
        problem && (0,markdown/* problemMarkdown */.P5)(problem),
        problem && (0,markdown/* detailsMarkdown */.GE)(problem, longestDetails),
        (0,markdown/* stepTable */.Ph)(outcome.steps),
        chart && `\`\`\`mermaid\n${chart}\n\`\`\``,
        outcome.extra,
    ];
    return `${(0,clean/* cutText */.IN)(parts.filter(Boolean).join('\n\n'), longestSummary, '… (the rest is left out: a summary has at most 1 MiB)')}\n`;
}
/** Adds the job summary to the file that the runner names in GITHUB_STEP_SUMMARY; does nothing without it. */
class SummaryReporter {
    info;
    constructor(info) {
        this.info = info;
    }
    start() { }
    event(_event) { }
    async finish(outcome) {
        if (!process.env.GITHUB_STEP_SUMMARY)
            return;
        await core.summary.addRaw(summaryMarkdown(outcome, this.info)).write();
    }
}

;// CONCATENATED MODULE: ./src/report/reporters.ts








/** The commands that change what is live. */
const changing = ['deploy', 'rollback'];
/**
 * Everything that shows a run on GitHub: the job's log, the check run, the deployment (with `environment` set), the job summary.
 * `status` and `plan` change nothing, so they have the log and the summary alone. Nothing in it ever throws.
 */
function createReporters(info, options = {}) {
    const redact = (0,report_redact/* redactor */.$)([info.token, ...info.secrets]);
    const log = new LogReporter(info.app);
    const say = (text) => log.say(redact(text));
    const onGitHub = changing.includes(info.command) ? apiReporters(info, options, redact, log, say) : {};
    const others = [onGitHub.missing, onGitHub.checkRun, onGitHub.deployment, new SummaryReporter(info)].filter((one) => one !== undefined);
    return {
        reporter: new safe_reporter/* RedactingReporter */.BY(new safe_reporter/* AllReporters */.e9(log, others, say), redact),
        redact,
        checkRunUrl: () => onGitHub.checkRun?.url ?? '',
        checkRunId: () => onGitHub.checkRun?.id,
        deploymentId: () => onGitHub.deployment?.id,
    };
}
function apiReporters(info, options, redact, log, say) {
    const inLog = (reason) => {
        say(`${reason} The steps are annotated in the log instead.`);
        log.annotate = true;
    };
    if (!info.token || !info.repository) {
        const reason = info.token ? 'No check run: GITHUB_REPOSITORY is not set.' : 'No check run: the setting github-token is empty.';
        return { missing: new MissingReporter(() => inLog(reason)) };
    }
    const api = (0,github_api/* redactedApi */.DI)(options.api ?? (0,github_api/* gitHubApi */.aB)(info), redact);
    const timing = options.timing ?? requests/* defaultTiming */.QP;
    const now = options.now ?? Date.now;
    const checkRun = new check_run/* CheckRunReporter */.z(api, info, { timing, now, unavailable: inLog, created: quiet(options.onCheckRun, say) });
    const deployment = new report_deployment/* DeploymentReporter */.H(api, info, { timing, unavailable: say, created: quiet(options.onDeployment, say) });
    return info.environment ? { checkRun, deployment } : { checkRun };
}
/** Stands where the check run would, and says at the start why there is none. */
class MissingReporter {
    tell;
    constructor(tell) {
        this.tell = tell;
    }
    start() {
        this.tell();
    }
    event(_event) { }
    finish(_outcome) {
        return Promise.resolve();
    }
}
/** A caller's callback that cannot harm the request it is called from. */
function quiet(callback, say) {
    return (value) => {
        try {
            callback?.(value);
        }
        catch (error) {
            say(`The id of a report was not stored: ${error instanceof Error ? error.message : String(error)}`);
        }
    };
}


/***/ })

};
