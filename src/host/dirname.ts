import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

// ssh2 reads __dirname while it is loaded, and an ESM bundle has none: this module has to be the
// first import of each front door. Nothing is read from that folder.
globalThis.__dirname ??= dirname(fileURLToPath(import.meta.url));
