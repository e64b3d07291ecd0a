import { expect } from '@jest/globals';
import { readConfig } from '../../../src/nginx/config.js';
import { upstreamEdit } from '../../../src/nginx/edit.js';
import { applyRegion } from '../../../src/nginx/region.js';
import { findUpstream, type Slot } from '../../../src/nginx/upstream.js';
import { dumpFrom, options } from './samples.js';

/** The dump as it would be after the host's file was changed to a slot. */
export function switched(dump: string, slot: Slot): string {
  const config = readConfig(dump);
  const edit = upstreamEdit(config, options);
  const files = new Map(config.files);
  files.set(edit.file, applyRegion(files.get(edit.file) ?? '', edit.region, edit[slot]));
  return dumpFrom(files);
}

/** A file's text with the server lines of the app's upstream blanked. */
function without(dump: string): Map<string, string> {
  const config = readConfig(dump);
  const lines = (findUpstream(config, options).block ?? []).filter((one) => one.name === 'server');
  const files = new Map(config.files);
  for (const line of [...lines].sort((one, other) => other.start - one.start)) {
    const text = files.get(line.file) ?? '';
    files.set(line.file, `${text.slice(0, line.start)}<server>${text.slice(line.end)}`);
  }
  return files;
}

/** Fails when two dumps differ in anything but the server lines of the app's upstream. */
export function sameButServerLines(before: string, after: string): void {
  expect(without(after)).toEqual(without(before));
}
