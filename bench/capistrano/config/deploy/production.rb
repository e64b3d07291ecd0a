server ENV.fetch("SSH_HOST"), user: ENV.fetch("SSH_USER"), roles: %w[app db web]

set :ssh_options, {
  port: ENV.fetch("SSH_PORT").to_i,
  keys: [ENV.fetch("SSH_KEY")],
  keys_only: true,
  auth_methods: %w[publickey],
  user_known_hosts_file: [ENV.fetch("SSH_KNOWN_HOSTS")],
  verify_host_key: :always,
  config: false,
  forward_agent: false
}
