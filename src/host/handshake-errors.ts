import { DeployError } from '../errors.js';
import type { Login } from './login.js';
import { addressText, type Address } from './socket.js';

/** Text that a host chose, without what would move the cursor or hide other text. */
export function printable(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[^\P{C}\n]/gu, '')
    .trim();
}

export function closedEarly(address: Address): DeployError {
  return new DeployError({
    step: 'connect',
    host: address.host,
    what: `${addressText(address)} closed the connection before it showed its key`,
    next: 'Check that this port is sshd\'s. If it is, sshd turns this address away: too many connections at once (MaxStartups), a ban (fail2ban, PerSourcePenalties), or hosts.deny. The host\'s log says which.',
    settings: ['host', 'port'],
  }, true);
}

export function tooMuchTalk(address: Address): DeployError {
  return new DeployError({
    step: 'connect',
    host: address.host,
    what: `What answers on ${addressText(address)} does not speak SSH`,
    next: 'Check port: it sends a stream of something else.',
    settings: ['port', 'host'],
  });
}

export function handshakeTooLate(address: Address, limitMs: number, spoke: boolean, accepted: boolean): DeployError {
  const at = addressText(address);
  const within = `within ${limitMs / 1000} s`;
  const place = { step: 'connect', host: address.host };
  if (accepted) {
    return new DeployError({
      ...place,
      what: `${at} did not let the user in ${within}`,
      next: 'The host is slow to decide: often its name server does not answer (UseDNS in sshd_config), or it is overloaded. For a slow host raise connect-timeout.',
      settings: ['connect-timeout'],
    }, true);
  }
  return new DeployError({
    ...place,
    what: spoke ? `${at} did not finish the SSH handshake ${within}` : `${at} took the connection and then said nothing ${within}`,
    next: spoke ? 'The host or the line is slow: raise connect-timeout, or look at the host\'s load.' : 'Check that this port is sshd\'s, and that the host is not overloaded. For a slow host raise connect-timeout.',
    settings: ['port', 'connect-timeout'],
  }, true);
}

/** Any other end of a handshake; the reason is ssh2's or the host's. `accepted`: the host has proved its key. `closed`: it hung up in the middle. */
export function handshakeFailed(address: Address, reason: string, accepted: boolean, banner: string, closed = false): DeployError {
  if (accepted && /packet length/.test(reason)) return bannerTooLong(address);
  const noSsh = /identification string|greeting lines|header length|header line|packet length|Bad packet/i.test(reason);
  const noCommon = /no matching/.test(reason);
  return new DeployError({
    step: 'connect',
    host: address.host,
    what: `The SSH handshake with ${addressText(address)} failed: ${printable(reason).slice(0, 300)}`,
    next: noSsh
      ? 'Check port: what answers there does not seem to be an SSH server.'
      : noCommon
        ? 'The host\'s sshd is too old or too strict: it shares no algorithm of that kind with this action. Update it, or allow a current one in its sshd_config.'
        : 'The host\'s log says more (journalctl -u ssh, or /var/log/auth.log).',
    settings: ['host', 'port'],
    details: printable(banner),
  }, closed);
}

/** sshd sends its banner in one packet, and ssh2 takes at most 35,000 bytes in one. */
function bannerTooLong(address: Address): DeployError {
  return new DeployError({
    step: 'connect',
    host: address.host,
    what: `${addressText(address)} sent more at once than SSH allows`,
    next: 'Usually a login banner of more than 32 KB: see Banner in the host\'s sshd_config.',
    settings: ['host'],
  });
}

/** The host has proved its key and did not take ours. `methods` is what the host says it would still accept. */
export function authRefused(refusal: { address: Address; login?: Login; methods: string[]; partial: boolean; banner: string }): DeployError {
  const { address, login, methods, partial, banner } = refusal;
  const user = login?.user ?? '';
  const at = addressText(address);
  const offered = printable(methods.join(', ')).slice(0, 300);
  const details = [
    `user: ${user}`,
    `key: ${login?.key.fingerprint ?? ''} (${login?.key.type ?? ''})`,
    `the host accepts: ${offered || 'nothing more'}`,
    banner ? `the host says:\n${printable(banner)}` : '',
  ].filter(Boolean).join('\n');
  const place = { step: 'connect', host: address.host, details };
  if (partial) {
    return new DeployError({
      ...place,
      what: `${at} took the key of ${user} and asks for something more: ${offered}`,
      next: 'A second factor cannot be given here. Let this user in with a key alone (AuthenticationMethods publickey in a Match block of sshd_config), or use another user.',
      settings: ['user'],
    });
  }
  if (methods.length > 0 && !methods.includes('publickey')) {
    return new DeployError({
      ...place,
      what: `${at} does not let ${user} log in with a key, only with: ${offered}`,
      next: 'Set PubkeyAuthentication yes in the host\'s sshd_config (a Match block may say no for this user) and reload sshd. Passwords are not supported.',
      settings: ['user'],
    });
  }
  return new DeployError({
    ...place,
    what: `${at} did not let ${user} in with the key ${login?.key.fingerprint ?? ''} (${login?.key.type ?? ''})`,
    next: [
      `Add the line that "ssh-keygen -y -f key" prints to .ssh/authorized_keys in the home of ${user} on the host;`,
      '"ssh-keygen -lf .ssh/authorized_keys" lists the fingerprints that are there.',
      `The home, .ssh and the file have to belong to ${user}, and nobody else may write to them. The host's log says more (journalctl -u ssh).`,
    ].join(' '),
    settings: ['user', 'private-key'],
  });
}
