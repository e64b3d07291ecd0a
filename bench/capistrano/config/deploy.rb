# The usual recipe: git, releases, current, five kept, no tasks beside Capistrano's own.
set :application, "shop"
set :repo_url, ENV.fetch("REPO_URL")
set :branch, ENV.fetch("BRANCH", "main")
set :deploy_to, ENV.fetch("DEPLOY_TO")
set :keep_releases, 5
# Its wrapper for git stays on the host after each deploy: into a folder that goes with the bench.
set :tmp_dir, ENV.fetch("TMP_DIR")
