import { DeployError } from '../errors.js';
import type { Settings } from '../settings/settings.js';
import type { NginxFacts } from './nginx-facts.js';
import type { Facts } from './facts.js';

/** What every run needs on the host; curl or wget do alike. */
const TOOLS = ['git', 'flock', 'setsid', 'awk', 'sed'];

/** The least free space with which a deploy is begun, in KiB and in inodes. */
const LEAST_KIB = 50 * 1024;
const LEAST_INODES = 5000;

/** @throws DeployError when the host lacks what a deploy needs */
export function checkHost(settings: Settings, facts: Facts): void {
  const missing = TOOLS.filter((tool) => !facts.tools.has(tool));
  if (!facts.tools.has('curl') && settings.listen === 'socket') missing.push('curl (wget cannot ask a Unix socket)');
  else if (!facts.tools.has('curl') && !facts.tools.has('wget')) missing.push('curl (or wget)');
  if (missing.length) {
    throw new DeployError({
      step: 'survey',
      what: `the host lacks ${missing.join(', ')}`,
      next: 'Install it (flock and setsid are in util-linux). Programs outside the usual folders have to be in the PATH of a login without a terminal.',
      settings: [],
    });
  }
  const { freeKiB = LEAST_KIB, freeInodes = LEAST_INODES } = facts;
  if (freeKiB < LEAST_KIB || freeInodes < LEAST_INODES) {
    throw new DeployError({
      step: 'survey',
      what: `the disk of ${settings.root} is nearly full: ${Math.floor(freeKiB / 1024)} MiB and ${facts.freeInodes ?? 'enough'} inodes are free, ${LEAST_KIB / 1024} MiB and ${LEAST_INODES} are the least to begin with`,
      next: 'Make room on the host; keep-releases sets how many releases stay.',
      settings: ['keep-releases', 'root'],
    });
  }
}

/**
 * `live` and nginx have to agree. What a person changed by hand is not guessed at.
 *
 * @throws DeployError when they do not
 */
export function checkDrift(settings: Settings, facts: Facts, nginx: NginxFacts): void {
  // Where nginx follows `live` they cannot differ on disk; what runs is asked by the probe.
  const { serving } = nginx;
  if (!nginx.edit || !facts.live || serving === facts.live) return;
  const { file, line } = nginx.edit;
  const says = serving === 'none' ? 'neither slot' : serving === 'both' ? 'both slots' : `the ${serving} slot`;
  throw new DeployError({
    step: 'survey',
    what: `the upstream ${settings.nginxUpstream} (${file}:${line}) sends requests to ${says}, but the live slot is ${facts.live}: somebody changed it by hand`,
    next: `Decide which is right. Either let its server line name the port of ${facts.live}, or make ${settings.root}/live a link to the slot that nginx uses; then run the deploy again.`,
    settings: ['nginx-upstream', 'root'],
  });
}
