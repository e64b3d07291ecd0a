# The line alone, with the library that Capistrano uses: connect, run one command, leave.
require "net/ssh"

options = {
  port: ENV.fetch("SSH_PORT").to_i,
  keys: [ENV.fetch("SSH_KEY")],
  keys_only: true,
  auth_methods: %w[publickey],
  user_known_hosts_file: [ENV.fetch("SSH_KNOWN_HOSTS")],
  verify_host_key: :always,
  config: false,
  forward_agent: false
}
Net::SSH.start(ENV.fetch("SSH_HOST"), ENV.fetch("SSH_USER"), options) { |session| session.exec!(ARGV.fetch(0)) }
