import { describe, expect, test } from '@jest/globals';
import { failedReleases, knowsWhatWasLive, newReleaseId, releasesToPrune, rollbackTarget } from '../../../src/engine/releases.js';
import { afterTwoDeploys, factsOf, ledgerLine, one, sha, two } from './facts.js';

const ids = (count: number): string[] => Array.from({ length: count }, (_, at) => `2026110${at + 1}T000000Z-${String(at + 1).repeat(7)}`);
const release = (id: string): string => JSON.stringify({ id, sha: sha('d'), ref: 'main' });

describe('which release to roll back to', () => {
  test('the one that was live before the current one, by the ledger', () => {
    expect(rollbackTarget(afterTwoDeploys(), '').id).toBe(one);
  });

  test('never one that failed, though it is newer', () => {
    const failed = '20261121T100000Z-ddddddd';
    const facts = afterTwoDeploys({
      release: [release(one), release(two), release(failed)],
      ledger: [ledgerLine('deploy', one), ledgerLine('deploy', failed, one, 'failed'), ledgerLine('deploy', two)].join('\n'),
    });
    expect(rollbackTarget(facts, '').id).toBe(one);
    expect(() => rollbackTarget(facts, failed)).toThrow('never was live');
  });

  test('after a rollback, a second one goes further back, not forth again', () => {
    const [a = '', b = '', c = ''] = ids(3);
    const facts = afterTwoDeploys({
      'slot.blue.release': b,
      release: [a, b, c].map(release),
      ledger: [ledgerLine('deploy', a), ledgerLine('deploy', b), ledgerLine('deploy', c), ledgerLine('rollback', b)].join('\n'),
    });
    expect(rollbackTarget(facts, '').id).toBe(a);
    expect(rollbackTarget(facts, c).id).toBe(c);
  });

  test('a broken line of the ledger harms nothing', () => {
    const facts = afterTwoDeploys({ ledger: [ledgerLine('deploy', one), '{"run":"x","comm', ledgerLine('deploy', two)].join('\n') });
    expect(rollbackTarget(facts, '').id).toBe(one);
  });
});

describe('which releases are pruned', () => {
  test('those that never were live go first, and never push out good ones', () => {
    const [a = '', b = '', c = '', d = '', e = ''] = ids(5);
    const facts = factsOf({ release: [a, b, c, d, e].map(release), ledger: [ledgerLine('deploy', a), ledgerLine('deploy', b), ledgerLine('deploy', d, b, 'failed'), ledgerLine('deploy', e, b, 'failed')].join('\n') });
    expect(releasesToPrune(facts, ['new'], 3)).toEqual([c, d, e]);
    expect(releasesToPrune(facts, ['new'], 2)).toEqual([a, c, d, e]);
  });

  test('none, when the ledger does not know what is live: nobody can tell which were good', () => {
    const [a = '', b = ''] = ids(2);
    const lost = { release: [one, two, a, b].map(release) };
    expect(knowsWhatWasLive(afterTwoDeploys(lost))).toBe(true);
    expect(releasesToPrune(afterTwoDeploys(lost), ['new'], 1)).toEqual([one, a, b]);
    for (const ledger of ['', ledgerLine('deploy', one)]) {
      const facts = afterTwoDeploys({ ...lost, ledger });
      expect(knowsWhatWasLive(facts)).toBe(false);
      expect(releasesToPrune(facts, ['new'], 1)).toEqual([]);
      expect(failedReleases(facts)).toEqual([]);
    }
  });

  test('what failed and does not run is of no use', () => {
    const [a, b] = ['20261121T100000Z-ddddddd', '20261121T110000Z-eeeeeee'];
    const slot = { release: [one, two, a, b].map(release), 'slot.green.release': b };
    expect(failedReleases(afterTwoDeploys(slot))).toEqual([a, b]);
    expect(failedReleases(afterTwoDeploys({ ...slot, 'slot.green.alive': 'yes' }))).toEqual([a]);
  });

  test('what is older than a ledger that was begun anew may have been good', () => {
    const [a = '', b = ''] = ids(2);
    const facts = afterTwoDeploys({ release: [one, two, a, b].map(release) });
    expect(failedReleases(facts)).toEqual([]);
    expect(releasesToPrune(facts, ['new'], 4)).toEqual([a]);
    expect(releasesToPrune(facts, ['new'], 3)).toEqual([a, b]);
  });

  test('the live one and the one before stay, whatever the number', () => {
    expect(releasesToPrune(afterTwoDeploys(), ['new', one], 1)).toEqual([]);
  });
});

test('a release id is never one that is there', () => {
  const taken = '20261122T101500Z-aaaaaaa';
  expect(newReleaseId(factsOf(), sha('a'))).toBe(taken);
  expect(newReleaseId(factsOf({ release: release(taken) }), sha('a'))).toBe('20261122T101501Z-aaaaaaa');
  expect(newReleaseId(factsOf({ unfinished: taken }), sha('a'))).toBe('20261122T101501Z-aaaaaaa');
});
