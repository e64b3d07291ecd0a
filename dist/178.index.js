export const id = 178;
export const ids = [178];
export const modules = {

/***/ 1178:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  postRun: () => (/* binding */ postRun)
});

// EXTERNAL MODULE: ./node_modules/@actions/core/lib/core.js + 14 modules
var core = __webpack_require__(6421);
// EXTERNAL MODULE: ./src/action.ts + 12 modules
var action = __webpack_require__(478);
// EXTERNAL MODULE: ./src/inputs.ts + 31 modules
var inputs = __webpack_require__(9239);
// EXTERNAL MODULE: ./src/engine/ask-outcome.ts
var ask_outcome = __webpack_require__(6050);
// EXTERNAL MODULE: ./src/report/check-run.ts
var check_run = __webpack_require__(2158);
// EXTERNAL MODULE: ./src/report/check-run-text.ts
var check_run_text = __webpack_require__(2564);
// EXTERNAL MODULE: ./src/report/deployment.ts
var deployment = __webpack_require__(1479);
// EXTERNAL MODULE: ./src/report/github-api.ts
var github_api = __webpack_require__(5926);
// EXTERNAL MODULE: ./src/report/redact.ts
var report_redact = __webpack_require__(649);
// EXTERNAL MODULE: ./src/report/requests.ts
var report_requests = __webpack_require__(3722);
// EXTERNAL MODULE: ./src/report/safe-reporter.ts + 1 modules
var safe_reporter = __webpack_require__(1579);
;// CONCATENATED MODULE: ./src/report/correct.ts







/**
 * Completes a check run that its own run could not complete: the runner was faster with its kill.
 * Gives an empty string, or why it was not written and what to do. Never rejects.
 */
function correctCheckRun(info, id, outcome, options = {}) {
    return correct(info, outcome, options, 'The check run was not corrected', 'checks: write', async (api, requests, said) => {
        const end = { status: 'completed', conclusion: said.conclusion, completed_at: (0,check_run/* iso */.K)(said.startedAt + said.durationMs) };
        await requests.send((signal) => api.updateCheckRun(id, { ...end, output: (0,check_run_text/* finalOutput */.U4)(info, said) }, signal));
    });
}
/** The same for a deployment that was left in progress. */
function correctDeployment(info, id, outcome, options = {}) {
    return correct(info, outcome, options, 'The deployment was not corrected', 'deployments: write', (api, requests, said) => (0,deployment/* endDeployment */.F)(api, requests, info, id, said));
}
async function correct(info, outcome, options, failed, permission, act) {
    const redact = (0,report_redact/* redactor */.$)([info.token, ...info.secrets]);
    const requests = new report_requests/* Requests */.lv(options.timing ?? report_requests/* defaultTiming */.QP);
    try {
        const api = (0,github_api/* redactedApi */.DI)(options.api ?? (0,github_api/* gitHubApi */.aB)(info), redact);
        await requests.lastActs(() => act(api, requests, (0,safe_reporter/* redactOutcome */.Ah)(outcome, redact)));
        return '';
    }
    catch (error) {
        return redact((0,report_requests/* explain */.WE)(failed, (0,report_requests/* requestFailure */.SU)(error), permission));
    }
}

// EXTERNAL MODULE: ./src/report/clean.ts
var clean = __webpack_require__(23);
;// CONCATENATED MODULE: ./src/post.ts






/**
 * After the job's other steps: when the runner ended the main step before the host had decided, reads in the ledger what
 * became of the run, and corrects the check run and the deployment to that.
 */
async function postRun() {
    if (core.getState('reported'))
        return;
    const [checkRun, deployment] = [Number(core.getState('check-run')), Number(core.getState('deployment'))];
    const { settings, key } = (0,inputs/* settingsFromInputs */.X)(process.env);
    for (const secret of (0,inputs/* secretLines */._)(settings))
        core.setSecret(secret);
    // It leaves no line in the ledger, and changes nothing that is live.
    if (settings.command === 'setup')
        return core.info(`${settings.app}: setup was cancelled; what was begun is finished by the host itself. Run it again to see how nginx is.`);
    const run = { ...(0,action/* runOf */.ng)(process.env), key: core.getState('run') };
    const info = (0,action/* runInfo */.Q6)(settings, run);
    const fate = await (0,ask_outcome/* askOutcome */.s)(settings, { connect: () => (0,action/* connectTo */.m6)(settings, key, { leastMs: REACH_MS }), run });
    const outcome = fate.held || !fate.told ? undecided(settings) : outcomeOf(settings, fate.line);
    // The host's ledger is not ours: it must not begin a workflow command.
    core.info((0,clean/* inert */.tJ)((0,clean/* oneLine */.TN)(outcome.sentence)));
    const failed = [
        checkRun ? await correctCheckRun(info, checkRun, outcome) : '',
        deployment ? await correctDeployment(info, deployment, outcome) : '',
    ].filter(Boolean);
    for (const text of failed)
        core.warning(text);
}
/** How long a host is tried to be reached, in milliseconds: the job's line to it may be what was lost. */
const REACH_MS = 30_000;
/** The host is still at work, or did not tell. */
function undecided(settings) {
    const outcome = outcomeOf(settings, undefined);
    return { ...outcome, conclusion: 'failure', sentence: `${settings.app}: the host had not decided yet; it finishes by itself what was switched. command: status shows it.` };
}
/** The outcome as the ledger tells it; without a line of this run the host changed nothing. */
function outcomeOf(settings, line) {
    const startedAt = Number(core.getState('started')) || Date.now();
    const switched = Boolean(line && line.release && line.release === line.liveRelease);
    return {
        conclusion: switched ? 'success' : line && line.outcome !== 'aborted' ? 'failure' : 'cancelled',
        sentence: !line
            ? `${settings.app}: cancelled before anything was changed.`
            : switched
                ? `${settings.app}: release ${line.release} is live; the host finished after the job had ended.`
                : `${settings.app}: ${line.outcome}; ${line.liveRelease ? `release ${line.liveRelease} is live, as before` : 'nothing is live'}.`,
        switched,
        decided: true,
        release: line?.release ?? '',
        previousRelease: '',
        sha: line?.sha ?? '',
        slot: '',
        port: 0,
        startedAt,
        durationMs: Date.now() - startedAt,
        steps: [],
    };
}


/***/ })

};
