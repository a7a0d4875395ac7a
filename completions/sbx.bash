# SPDX-License-Identifier: Apache-2.0
# bash completion for sbx(1). Needs nothing but bash; with the package bash-completion the command
# behind `sbx run` is completed by its own rules.

_sbx_options() {
  case $1 in
    run) echo "--policy -p --ro --rw --overlay --exec --tmpfs --hide --workdir --home --net --publish -P" \
              "--connect --bind --dns --allow --deny --seccomp --compat --on-violation --limit --env --tty --user --keep-fd --allow-degraded" \
              "--log --sink --notify-command --restart --dry-run --self-test --explain --trace-launch --report --quiet -q --json --color --no-color --help -h" ;;
    learn) echo "--policy -p --ro --rw --overlay --exec --tmpfs --hide --workdir --home --net --publish -P" \
              "--connect --bind --dns --allow --deny --limit --env --tty --user --dry-run --report --output -o" \
              "--exact --engine --pid --unit --for --view --verify --merge --check --strict --junit --quiet -q --json --color --no-color --help -h" ;;
    minimize) echo "--output -o --verify --quiet -q --help -h" ;;
    check) echo "--strict --json --color --no-color --help -h" ;;
    show) echo "--origin --json --help -h" ;;
    explain) echo "--ro --rw --overlay --exec --tmpfs --hide --home --net --publish -P" \
              "--connect --bind --dns --allow --deny --on-violation --limit --env --user --json --color --no-color --help -h" ;;
    diff) echo "--neutral --only-wider --json --help -h" ;;
    list) echo "--names --json --help -h" ;;
    syscall) echo "--dump --json --help -h" ;;
    schema) echo "--help -h" ;;
    import) echo "--compat --from --output -o --outdir --strict --quiet -q --json --help -h" ;;
    export) echo "--to --output -o --strict --quiet -q --json --help -h" ;;
    unit) echo "--output -o --help -h" ;;
    score) echo "--threshold --neutral --json --help -h" ;;
    verify) echo "--json --help -h" ;;
    audit) echo "--follow --since --match --alert-on --json --help -h" ;;
    why) echo "--fix --json --help -h" ;;
    events) echo "--follow -f --since --policy -p --syscall --exe --json --csv --help -h" ;;
    doctor) echo "--json --color --no-color --help -h" ;;
    help) echo "--dump-options --help -h" ;;
    version) echo "--help -h" ;;
  esac
}

# True if the option's value is the next word.
_sbx_takes_value() {
  case $1 in
    --policy | -p | -qp | --ro | --rw | --overlay | --exec | --tmpfs | --hide | --workdir | --home | --net | \
      --publish | -P | -qP | --connect | --bind | --dns | --allow | --deny | --on-violation | --limit | --env | --tty | --user | --keep-fd | \
      --log | --sink | --notify-command | --restart | --syscall | --exe | \
      --allow-degraded | --report | --color | --since | --match | --alert-on | --seccomp | --compat | --from | --to | --output | -o | -qo | --outdir | --view | --verify | --check | --junit | --threshold | \
      --engine | --pid | --unit | --for) return 0 ;;
  esac
  return 1
}

_sbx_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

_sbx_paths() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}

_sbx_policies() {
  local names
  names=$(sbx list --names 2>/dev/null)
  mapfile -t COMPREPLY < <(compgen -W "$names" -- "$1"; compgen -f -X '!*.toml' -- "$1"
                           compgen -d -S / -- "$1")
}

# The value of option $1, of which $2 is there.
_sbx_value() {
  case $1 in
    --policy | -p | -qp | --check) _sbx_policies "$2" ;;
    --ro | --rw | --exec | --hide | --report | --notify-command | --exe | --seccomp | --output | -o | -qo | --junit) _sbx_paths -f "$2" ;;
    --overlay | --tmpfs | --workdir | --outdir) _sbx_paths -d "$2" ;;
    --engine) _sbx_words "auto notify ebpf" "$2" ;;
    --view) _sbx_words "host policy" "$2" ;;
    --verify) _sbx_words "auto always never" "$2" ;;
    --home) _sbx_words "private none read write" "$2" ;;
    --net) _sbx_words "none private host" "$2" ;;
    --compat) _sbx_words "runc strict" "$2" ;;
    --from) _sbx_words "oci docker firejail systemd" "$2" ;;
    --to) _sbx_words "oci docker kubernetes security-profiles-operator bwrap systemd" "$2" ;;
    --allow-degraded) _sbx_words "landlock cgroup userns notify" "$2" ;;
    --tty) _sbx_words "auto always never inherit" "$2" ;;
    --log) _sbx_words "none problems all" "$2" ;;
    --sink) _sbx_words "journald syslog fd:" "$2" ;;
    --restart) _sbx_words "on-crash never" "$2" ;;
    --on-violation) _sbx_words "kill errno log" "$2" ;;
    --color) _sbx_words "auto always never" "$2" ;;
    --match | --alert-on) _sbx_words "kill crash denied logged seccomp landlock" "$2" ;;
    --limit)
      compopt -o nospace 2>/dev/null
      _sbx_words "time= memory= processes= cpu= files= file-size= scratch= core= cpu-percent= cpu-weight= cgroup=" "$2" ;;
    --env)
      mapfile -t COMPREPLY < <(compgen -v -- "$2") ;;
    --user)
      mapfile -t COMPREPLY < <(compgen -u -- "$2") ;;
  esac
}

# The index of the command's first word among the words up to the cursor; 0 if it is not there yet.
_sbx_command_index() {
  local i
  for ((i = 2; i < COMP_CWORD; ++i)); do
    local word=${COMP_WORDS[i]}
    if [[ $word == -- ]]; then
      echo $((i + 1))
      return
    elif [[ ${COMP_WORDS[i + 1]} == "=" && $word == --* ]]; then
      ((i += 2))  # bash breaks --option=value into three words
    elif _sbx_takes_value "$word"; then
      ((i += 1))
    elif [[ $word != -* ]]; then
      echo "$i"
      return
    fi
  done
  echo 0
}

_sbx() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local verb=${COMP_WORDS[1]}
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _sbx_words "run learn minimize check show explain diff list syscall schema import export unit score verify audit why events doctor help version --help -h --version -V" "$current"
    return
  fi
  if [[ $verb == run || $verb == learn ]]; then
    local start
    start=$(_sbx_command_index)
    if ((start > 0 && start <= COMP_CWORD)); then
      if declare -F _command_offset >/dev/null; then
        _command_offset "$start"
      elif ((start == COMP_CWORD)); then
        mapfile -t COMPREPLY < <(compgen -c -- "$current")
      else
        _sbx_paths -f "$current"
      fi
      return
    fi
  fi
  if [[ $current == "=" ]] && _sbx_takes_value "$previous"; then
    _sbx_value "$previous" ""
    return
  fi
  if [[ $previous == "=" ]] && _sbx_takes_value "${COMP_WORDS[COMP_CWORD - 2]}"; then
    _sbx_value "${COMP_WORDS[COMP_CWORD - 2]}" "$current"
    return
  fi
  if [[ $verb == run || $verb == learn || $verb == minimize || $verb == explain || $verb == audit || $verb == events || $verb == import || $verb == export || $verb == score || $verb == unit ]] && _sbx_takes_value "$previous"; then
    _sbx_value "$previous" "$current"
    return
  fi
  if [[ $previous == --color ]]; then
    _sbx_value --color "$current"
    return
  fi
  if [[ $current == -* ]]; then
    _sbx_words "$(_sbx_options "$verb")" "$current"
    return
  fi
  case $verb in
    run | learn) mapfile -t COMPREPLY < <(compgen -c -- "$current") ;;
    minimize | check | show | explain | diff | export | score | unit) _sbx_policies "$current" ;;
    import | audit) _sbx_paths -f "$current" ;;
    why) _sbx_words "last" "$current" ;;
    help) _sbx_words "run learn minimize check show explain diff list syscall schema import export unit score verify audit why events doctor help version" "$current" ;;
  esac
}

complete -F _sbx sbx
