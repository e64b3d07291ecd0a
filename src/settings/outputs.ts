/** The action's outputs, in the order in which they are shown. */
export const outputs = [
  { name: 'release', doc: 'The release that this run deployed or rolled back to, such as `20261122T101500Z-1a2b3c4`; `switched` tells whether it got the traffic.' },
  { name: 'previous-release', doc: 'The release that was live before the run; empty at the first deploy.' },
  { name: 'sha', doc: 'The commit of the release: 40 hexadecimal digits.' },
  { name: 'slot', doc: 'The slot that the release was started in: `blue` or `green`.' },
  { name: 'port', doc: 'The port of that slot.' },
  { name: 'switched', doc: '`true` if the release of this run is live, else `false`.' },
  { name: 'duration-ms', doc: 'How long the run took, in milliseconds.' },
  { name: 'steps', doc: 'The steps as JSON: a list of `{"name": "health", "status": "success", "ms": 412}`.' },
  { name: 'status', doc: 'Of `command: status`: the host as JSON; empty with other commands.' },
  { name: 'check-run-url', doc: 'The address of the check run; empty if there is none.' },
] as const;

/** The name of one of the action's outputs. */
export type OutputName = (typeof outputs)[number]['name'];
