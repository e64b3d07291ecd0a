import { describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeployError } from '../../../src/errors.js';
import type { Connection } from '../../../src/host/connect.js';
import { reach } from '../../../src/host/reach.js';

const passing = new DeployError({ what: 'refused', next: '' }, true);
const forGood = new DeployError({ what: 'a wrong key', next: '' });
const connection = {} as Connection;
const pausesMs = [1, 2, 3];

/** Fails in turn, then connects. */
function tries(...errors: Error[]) {
  let count = 0;
  return {
    connect: () => {
      const error = errors[count++];
      return error ? Promise.reject(error) : Promise.resolve(connection);
    },
    get count() {
      return count;
    },
  };
}

describe('connecting, with patience', () => {
  test('what may be over soon is tried again, and told each time', async () => {
    const told: string[] = [];
    const host = tries(passing, passing, passing);
    expect(await reach(host.connect, { limitMs: 1000, lateTries: 1, pausesMs, onFailure: ({ message }) => told.push(message) })).toBe(connection);
    expect(told).toEqual(['refused', 'refused', 'refused']);
  });

  test('three times, then the last error is thrown', async () => {
    const host = tries(...Array<Error>(10).fill(passing));
    await expect(reach(host.connect, { limitMs: 1000, lateTries: 1, pausesMs })).rejects.toBe(passing);
    expect(host.count).toBe(4);
  });

  test.each([['a wrong key', forGood], ['a defect', new TypeError('x')]])('%s is not tried again', async (_name, error) => {
    const host = tries(error);
    await expect(reach(host.connect, { limitMs: 1000, lateTries: 1, pausesMs })).rejects.toBe(error);
    expect(host.count).toBe(1);
  });

  test.each([[0, 1], [1, 2], [2, 3]])('tries that took their whole time: %i more', async (lateTries, expected) => {
    const host = tries(...Array<Error>(10).fill(passing));
    const slow = async () => {
      await sleep(30);
      return host.connect();
    };
    await expect(reach(slow, { limitMs: 20, lateTries, pausesMs })).rejects.toBe(passing);
    expect(host.count).toBe(expected);
  });

  test('for as long as was asked for, whatever the number', async () => {
    const host = tries(...Array<Error>(10).fill(passing));
    expect(await reach(host.connect, { limitMs: 1000, lateTries: 0, pausesMs, leastMs: 60_000 })).toBe(connection);
  });
});
