import type { PrivateKey } from './keys.js';

/** Who logs in, and with what. */
export interface Login {
  user: string;
  key: PrivateKey;
  /** Time between two signs of life, in milliseconds; after three without an answer the connection is lost. */
  keepaliveMs: number;
}
