import { DeployError } from '../errors.js';
import { describeKey, familyOf, knownHostsLine, knownHostsName, type HostKey } from './host-key.js';
import { addressText, type Address } from './socket.js';

/** How to see on the host itself which key it has. */
function compareOnHost(key: HostKey | undefined): string {
  const family = (key && familyOf(key.type)) ?? 'ED25519';
  return `ssh-keygen -lf /etc/ssh/ssh_host_${family.toLowerCase()}_key.pub`;
}

/** No key of this host is known: it is not asked to let anybody in. `keys` is what it offered. */
export function hostNotKnown(address: Address, keys: HostKey[], othersKnown: boolean): DeployError {
  const port = address.port === 22 ? '' : `-p ${address.port} `;
  const lines = keys.map((key) => knownHostsLine(address.host, address.port, key));
  return new DeployError({
    step: 'connect',
    host: address.host,
    what: othersKnown
      ? `known-hosts has lines, but none for ${knownHostsName(address.host, address.port)}, so its key cannot be checked`
      : `There is no known-hosts, so nobody can tell whether ${addressText(address)} is the right host. Nothing was sent to it`,
    next: [
      `Compare a fingerprint below with the one on the host, seen by a way you trust (its console, or a machine that knows it): ${compareOnHost(keys[0])}.`,
      'If they are the same, store the line below as a repository variable and pass it as known-hosts',
      `("ssh-keyscan ${port}-t ed25519 ${address.host}" prints such a line too).`,
    ].join(' '),
    settings: ['known-hosts'],
    details: ['The host offered:', ...keys.map((key) => `  ${describeKey(key)}`), '', 'For known-hosts, after comparing:', ...lines].join('\n'),
  });
}

/** The host is known by another key. `expected` has a line for each key that would have been right. */
export function hostKeyChanged(address: Address, offered: HostKey[], expected: string[]): DeployError {
  return new DeployError({
    step: 'connect',
    host: address.host,
    what: `The key of ${addressText(address)} is not the one in known-hosts. The host may have been reinstalled, or somebody may be standing in between. Nothing was sent to it`,
    next: `Do not go on before you know which. See which key the host has by a way you trust (its console): ${compareOnHost(offered[0])}. Only if that is the key offered here, replace the host's lines in known-hosts.`,
    settings: ['known-hosts', 'host', 'port'],
    details: ['The host offered:', ...offered.map((key) => `  ${describeKey(key)}`), 'known-hosts says:', ...expected.map((line) => `  ${line}`)].join('\n'),
  });
}

/** The key is listed as one that must not be trusted any more. */
export function hostKeyRevoked(address: Address, key: HostKey): DeployError {
  return new DeployError({
    step: 'connect',
    host: address.host,
    what: `${addressText(address)} shows a key that known-hosts marks as @revoked. Nothing was sent to it`,
    next: 'Whoever has that key can pose as the host. Give the host a new one (ssh-keygen -A after removing the old files in /etc/ssh), and store that in known-hosts.',
    settings: ['known-hosts'],
    details: `The host offered:\n  ${describeKey(key)}`,
  });
}

/** The host has no key of a kind that is supported. */
export function noHostKey(address: Address): DeployError {
  return new DeployError({
    step: 'connect',
    host: address.host,
    what: `${addressText(address)} has no host key of a kind that can be checked here`,
    next: 'Give the host an Ed25519 key: run ssh-keygen -A there as root and reload sshd.',
    settings: ['host', 'port'],
  });
}
