import type { Directive } from './config.js';

/**
 * The directives of this name that hold for another directive: those of the innermost block around it that has any, as nginx
 * inherits `proxy_set_header`, `proxy_redirect` and their like.
 */
export function inForce(at: Directive, name: string): Directive[] {
  for (let block = at.parent; block; block = block.parent) {
    const found = (block.block ?? []).filter((directive) => directive.name === name);
    if (found.length) return found;
  }
  return [];
}

/** The `error_page` directives that hold for a directive name this status. */
export function hasErrorPage(at: Directive, status: string): boolean {
  return inForce(at, 'error_page').some(({ args }) => args.includes(status));
}
