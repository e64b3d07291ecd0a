import { handshake } from './handshake.js';
import { algorithmsForFamily, keyFamilies, type HostKey } from './host-key.js';
import type { Address, Deadline } from './socket.js';

/**
 * Asks a host for all its keys, as ssh-keyscan does: one connection for each kind, at the same time,
 * each ended as soon as the key is shown.
 *
 * @returns the keys, best kind first; at least one
 * @throws DeployError if not one connection came as far as a key
 */
export async function scanHostKeys(address: Address, deadline: Deadline): Promise<HostKey[]> {
  const scans = await Promise.allSettled(
    keyFamilies.map((family) => handshake({ address, deadline, algorithms: algorithmsForFamily(family), accept: () => false })),
  );
  const keys = scans.flatMap((scan) => (scan.status === 'fulfilled' && scan.value.end === 'denied' ? [scan.value.key] : []));
  const failure = scans.find((scan) => scan.status === 'rejected');
  if (keys.length === 0 && failure) throw failure.reason;
  return keys;
}
