import * as z from 'zod';
import { wrong, type Parser } from './parsed.js';

/** The groups of the settings, in the order in which they are shown. */
export const GROUPS = ['what', 'where', 'code', 'app', 'health', 'nginx', 'limits', 'reports'] as const;

/** What is known of a setting besides its rule: the source of action.yml, of the README's table and of messages. */
export interface SettingInfo {
  group: (typeof GROUPS)[number];
  /** One to three sentences of Markdown. */
  doc: string;
  /** The value of a setting that is left empty, as a user would write it. */
  default?: string;
  /** The expression that action.yml gives as the default; the workflow fills it in. */
  expression?: string;
  /** The default in words, where it is worked out later and so is neither of the above. */
  defaultText?: string;
  required?: true;
  /** Its value is never shown. */
  secret?: true;
  /** White space at both ends counts. */
  untrimmed?: true;
}

/** Where zod keeps what is known of each setting. */
export const settingInfos = z.registry<SettingInfo>();

/** A setting as zod sees it: text in, a value out. */
export type SettingSchema<T> = z.ZodPipe<z.ZodString, z.ZodTransform<T, string>>;

/**
 * Makes one setting. What holds for all is done here: trimming, the default, "is missing", and the refusal of
 * text that no shell, no file name and no JSON on the way could carry unharmed.
 */
export function setting<T>(info: SettingInfo, parse: Parser<T>): SettingSchema<T> {
  const schema = z.string().transform((given: string, context): T => {
    const text = (info.untrimmed ? given : given.trim()) || (info.default ?? '');
    const result = info.required && text.trim() === '' ? wrong('is missing') : broken(text) ? wrong('must not contain NUL or half of a surrogate pair') : parse(text);
    if ('value' in result) return result.value;
    for (const message of result.wrong) context.issues.push({ code: 'custom', message, input: given });
    return z.NEVER;
  });
  return schema.register(settingInfos, info);
}

function broken(text: string): boolean {
  // With the flag u, a whole pair is one character, so this finds only halves.
  return /\0|[\ud800-\udfff]/u.test(text);
}
