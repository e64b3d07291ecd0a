import { DeployError } from '../errors.js';

/** @param during ` during the step …`, or nothing @param said what the agent had written to standard error @param again it is begun anew */
export function lineLost(during: string, said: string, again: boolean): DeployError {
  return new DeployError({
    what: `the line to the host was lost${during}`,
    next: `The host aborts by itself what was not switched yet, and finishes what was.${again ? '' : ' Run it again: the next run mends what is left.'}`,
    settings: ['retries', 'lease'],
    details: said,
  });
}

/** Something ended before the agent had said a word. @param said what it wrote to standard error */
export function agentDidNotStart(code: number | null, said: string): DeployError {
  return new DeployError({
    step: 'connect',
    what: `the agent did not start on the host (exit status ${code ?? 'none'})`,
    next: "It needs a POSIX sh, base64 and gzip in the PATH of a login without a terminal. See what the host's shell says below.",
    settings: ['user'],
    details: said,
  });
}

/** What it says is nothing that the agent says. */
export function notTheAgent(why: string): DeployError {
  return new DeployError({
    what: `what answers on the host does not speak as the agent does: ${why}`,
    next: 'Look at the login shell of the user, and at ForceCommand and command= on the host. Is it the host that you think it is?',
    settings: ['host', 'user', 'known-hosts'],
  });
}

/** A step that failed without saying why. */
export function unexplained(step: string, status: number) {
  const signal = status > 128 ? ` (signal ${status - 128})` : '';
  return new DeployError({ step, what: `the step ${step} ended with status ${status}${signal}`, next: 'Read its output; then run it again.' }).problem;
}

/** What is no DeployError is a defect of ours, and is told as one. */
export function asDeployError(error: unknown): DeployError {
  if (error instanceof DeployError) return error;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new DeployError({ what: 'bluegreen has a defect', next: 'Please report it, with the text below.', details: text });
}
