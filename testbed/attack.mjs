// What a hostile host, or a careless app, may print.

/** Text that does harm wherever it is interpreted. */
export const attack = [
  '', '::set-output name=pwned::1', '  ::add-mask::pwned', '\t::error::pwned', '\u2028::warning::pwned', '\x85::notice::pwned', '\r::debug::pwned', 'x\r::save-state name=pwned::1', '::stop-commands::pwned',
  '::pwned::', '::group::pwned', '::endgroup::', 'a ##[error]pwned', '##[add-mask]pwned', '##[group]pwned', '\x1b[2K\x1b[1A\x1b]0;pwned\x07\x1b[31mred', '::set-env name=PATH::/pwned', '::add-path::/pwned',
  '![pwned](https://pwned.example/x) [pwned](javascript:pwned) https://pwned.example/ www.pwned.example <script>pwned</script> <img src="//pwned.example">', '| pwned | cell |', '```', '~~~~', '</details>', '# pwned', '@pwned me@pwned.example',
  '\u202epwned', '::error::pwned',
].join('\n');
