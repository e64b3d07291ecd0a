// Both sides of a line give it up when it has been silent for a lease. What they say meanwhile, so that the other one hears something.

/** How often the agent gets a sign of life, in milliseconds: several in each lease, as one that comes late is no dead line yet. */
export const beatMs = (leaseMs: number): number => Math.min(10_000, Math.round(leaseMs / 5));

/** How long an agent may say nothing, which tells each few seconds that it is there, in milliseconds: a host that is busy may be late. */
export const silenceMs = (leaseMs: number): number => leaseMs + 10_000;

/**
 * How often the host's SSH server is asked for one, in milliseconds. The fourth question in a row without an answer ends the connection: a
 * little before the agent gives up, which is then asked what became of it.
 */
export const keepaliveMs = (leaseMs: number): number => Math.max(200, Math.round(leaseMs / 6));
