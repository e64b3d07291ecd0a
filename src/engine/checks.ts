import { DeployError } from '../errors.js';
import type { Settings } from '../settings/settings.js';
import type { NginxFacts } from './nginx-facts.js';
import type { Facts } from './facts.js';
import { failedReleases } from './releases.js';

/** What every run needs on the host; curl or wget do alike. */
const TOOLS = ['git', 'flock', 'setsid', 'awk', 'sed'];

/** What a deploy needs beside the release itself, in KiB and in inodes: git's objects, logs, and what the app writes. */
const MARGIN = { kib: 50 * 1024, inodes: 5000 };

/** A rollback writes a few small files. */
const FOR_ROLLBACK = { kib: 1024, inodes: 100 };

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
  checkSpace(settings, facts);
}

/** Better not begun than given up in the middle: what the last release took, a tenth more, and the margin. */
function checkSpace({ command, root }: Settings, facts: Facts): void {
  const { freeKiB, freeInodes, releaseSize } = facts;
  const grown = (size = 0): number => Math.ceil(size * 1.1);
  // What failed is removed before anything is fetched.
  const freed = command === 'rollback' ? 0 : failedReleases(facts).length;
  const need = command === 'rollback' ? FOR_ROLLBACK : { kib: grown(releaseSize?.kib) + MARGIN.kib, inodes: grown(releaseSize?.inodes) + MARGIN.inodes };
  const enough = (free: number | undefined, size: number | undefined, needed: number): boolean => (free ?? needed) + freed * (size ?? 0) >= needed;
  if (enough(freeKiB, releaseSize?.kib, need.kib) && enough(freeInodes, releaseSize?.inodes, need.inodes)) return;
  const last = command !== 'rollback' && releaseSize ? `; the last release took ${mebibytes(releaseSize.kib)} and ${releaseSize.inodes} inodes` : '';
  throw new DeployError({
    step: 'survey',
    what: `the disk of ${root} is too full: a ${command} needs ${mebibytes(need.kib)} and ${need.inodes} inodes, ${freeKiB === undefined ? 'enough' : mebibytes(freeKiB)} and ${freeInodes ?? 'enough'} are free${last}`,
    next: 'Make room on the host, then run it again; nothing was changed. keep-releases sets how many releases stay.',
    settings: ['keep-releases', 'root'],
  });
}

const mebibytes = (kib: number): string => `${Math.floor(kib / 1024)} MiB`;

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
