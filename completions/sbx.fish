# SPDX-License-Identifier: Apache-2.0
# fish completion for sbx(1).

# The words of `sbx run` from the command's name on; fails if it is not there yet.
function __sbx_command
    set -l words (commandline -opc) (commandline -ct)
    set -l count (count $words)
    test $count -ge 3; and contains -- $words[2] run learn; or return 1
    set -l i 3
    while test $i -lt $count
        switch $words[$i]
            case --
                string join \n -- $words[(math $i + 1)..-1]
                return 0
            case --policy -p -qp --ro --rw --overlay --exec --tmpfs --hide --workdir --home --net --publish -P -qP \
                --connect --bind --dns --allow --deny --on-violation --limit --env --tty --user --keep-fd --allow-degraded --report --color --seccomp --compat \
                --output -o -qo --view --verify --check --junit --engine --pid --unit --for --log --sink --notify-command --restart
                set i (math $i + 2)
            case '-*'
                set i (math $i + 1)
            case '*'
                string join \n -- $words[$i..-1]
                return 0
        end
    end
    return 1
end

function __sbx_in
    set -l words (commandline -opc)
    test (count $words) -ge 2; and contains -- $words[2] $argv; or return 1
    contains -- $words[2] run learn; or return 0
    not __sbx_command >/dev/null
end

function __sbx_needs_verb
    test (count (commandline -opc)) -eq 1
end

function __sbx_complete_command
    set -l words (__sbx_command)
    if test (count $words) -gt 0
        complete -C (string join ' ' -- (string escape -- $words[1..-2]) $words[-1])
    else
        __fish_complete_command
    end
end

function __sbx_policies
    sbx list --names 2>/dev/null
    __fish_complete_suffix .toml
end

complete -c sbx -f
complete -c sbx -n __sbx_needs_verb -a run -d 'run a command under a policy'
complete -c sbx -n __sbx_needs_verb -a learn -d 'write a policy from what a command does'
complete -c sbx -n __sbx_needs_verb -a minimize -d 'leave out of a policy what a command does not need'
complete -c sbx -n __sbx_needs_verb -a check -d 'check policies for errors'
complete -c sbx -n __sbx_needs_verb -a show -d 'print a policy as it is after merging'
complete -c sbx -n __sbx_needs_verb -a explain -d 'say what a policy allows, and why'
complete -c sbx -n __sbx_needs_verb -a diff -d 'say what one policy allows that another does not'
complete -c sbx -n __sbx_needs_verb -a list -d 'list the policies that can be named'
complete -c sbx -n __sbx_needs_verb -a syscall -d 'explain system calls and groups of them'
complete -c sbx -n __sbx_needs_verb -a schema -d 'print a JSON Schema of the policy language'
complete -c sbx -n __sbx_needs_verb -a import -d 'make a policy of another tool\'s file'
complete -c sbx -n __sbx_needs_verb -a export -d 'write a policy for another tool'
complete -c sbx -n __sbx_needs_verb -a unit -d 'write a service unit that runs a program under sbx'
complete -c sbx -n __sbx_needs_verb -a score -d 'weigh how far something is exposed'
complete -c sbx -n __sbx_needs_verb -a verify -d 'compare a running sandbox with its policy'
complete -c sbx -n __sbx_needs_verb -a audit -d 'say what the kernel recorded of denials and crashes'
complete -c sbx -n __sbx_needs_verb -a why -d 'tell the story of a run: what was denied, and why'
complete -c sbx -n __sbx_needs_verb -a events -d 'list what the log of runs holds'
complete -c sbx -n __sbx_needs_verb -a doctor -d 'say what this kernel and host allow'
complete -c sbx -n __sbx_needs_verb -a help -d 'explain sbx or one of its verbs'
complete -c sbx -n __sbx_needs_verb -a version -d 'print the version'
complete -c sbx -n __sbx_needs_verb -s V -l version -d 'print the version'
complete -c sbx -n __sbx_needs_verb -s h -l help -d 'explain sbx'
complete -c sbx -n '__sbx_in run learn minimize check show explain diff list syscall schema import export unit score verify audit why events doctor help version' -s h -l help -d 'explain the verb'

complete -c sbx -n '__sbx_in run learn events' -s p -l policy -x -a '(__sbx_policies)' -d 'use this policy'
complete -c sbx -n '__sbx_in run learn explain' -l ro -r -F -d 'show a path read-only'
complete -c sbx -n '__sbx_in run learn explain' -l rw -r -F -d 'show a path writable'
complete -c sbx -n '__sbx_in run learn explain' -l overlay -x -a '(__fish_complete_directories)' -d 'show a directory, keep changes in memory'
complete -c sbx -n '__sbx_in run learn explain' -l exec -r -F -d 'let nothing but these programs be executed'
complete -c sbx -n '__sbx_in run learn explain' -l tmpfs -x -a '(__fish_complete_directories)' -d 'an empty directory in memory'
complete -c sbx -n '__sbx_in run learn explain' -l hide -r -F -d 'take a path out of what is shown'
complete -c sbx -n '__sbx_in run learn' -l workdir -x -a '(__fish_complete_directories)' -d 'start the command there'
complete -c sbx -n '__sbx_in run learn explain' -l home -x -a 'private none read write' -d 'the home directory inside'
complete -c sbx -n '__sbx_in run learn explain' -l net -x -a 'none private host' -d 'the network inside'
complete -c sbx -n '__sbx_in run learn explain' -s P -l publish -x -d 'offer a port of the command'
complete -c sbx -n '__sbx_in run learn explain' -l connect -x -d 'let it connect to an address outside'
complete -c sbx -n '__sbx_in run learn explain' -l bind -x -d 'let it bind this port only'
complete -c sbx -n '__sbx_in run learn explain' -l dns -x -a host -d 'let it ask these name servers'
complete -c sbx -n '__sbx_in run learn explain' -l allow -x -d 'allow system calls or groups'
complete -c sbx -n '__sbx_in run learn explain' -l deny -x -d 'deny system calls or groups'
complete -c sbx -n '__sbx_in run explain' -l on-violation -x -a 'kill errno log' -d 'what follows a denied call'
complete -c sbx -n '__sbx_in run learn explain' -l limit -x \
    -a 'time= memory= processes= cpu= files= file-size= scratch= core= cpu-percent= cpu-weight= cgroup=' -d 'limit a resource'
complete -c sbx -n '__sbx_in run learn explain' -l env -x -a '(set -nx)' -d 'set or pass on a variable'
complete -c sbx -n '__sbx_in run learn' -l tty -x -a 'auto always never inherit' -d 'a terminal of its own'
complete -c sbx -n '__sbx_in run learn explain' -l user -x -a '(__fish_complete_users)' -d 'who the command believes to be'
complete -c sbx -n '__sbx_in run' -l keep-fd -x -d 'leave a descriptor open'
complete -c sbx -n '__sbx_in run' -l allow-degraded -x -a "landlock cgroup userns notify" -d 'run without a layer'
complete -c sbx -n '__sbx_in run' -l log -x -a 'none problems all' -d 'what the log keeps'
complete -c sbx -n '__sbx_in run' -l sink -x -a 'journald syslog fd:' -d 'send events there too'
complete -c sbx -n '__sbx_in run' -l notify-command -r -F -d 'run this with what was denied'
complete -c sbx -n '__sbx_in run' -l restart -x -a 'on-crash never' -d 'start it again after a crash'
complete -c sbx -n '__sbx_in events' -s f -l follow -d 'go on with what comes'
complete -c sbx -n '__sbx_in events' -l since -x -d 'what happened since'
complete -c sbx -n '__sbx_in events' -l syscall -x -d 'denials of this system call'
complete -c sbx -n '__sbx_in events' -l exe -r -F -d 'what this program did'
complete -c sbx -n '__sbx_in events' -l csv -d 'print comma-separated values'
complete -c sbx -n '__sbx_in why' -l fix -d 'write the lines that would allow it'
complete -c sbx -n '__sbx_in why' -a last -d 'the last run'
complete -c sbx -n '__sbx_in run learn' -l dry-run -d 'print what would be done'
complete -c sbx -n '__sbx_in run' -l explain -d 'tell what else fails because of the policy'
complete -c sbx -n '__sbx_in run' -l self-test -d 'try what the policy forbids'
complete -c sbx -n '__sbx_in run' -l trace-launch -d 'print the time of each step'
complete -c sbx -n '__sbx_in run learn' -l report -r -F -d 'write events to a file'
complete -c sbx -n '__sbx_in run learn minimize import export' -s q -l quiet -d 'print no events, no report'
complete -c sbx -n 'test (count (commandline -opc)) -ge 2; and contains -- (commandline -opc)[2] run learn' \
    -a '(__sbx_complete_command)'

complete -c sbx -n '__sbx_in run learn check show explain diff list syscall import export score verify audit why events doctor' -l json -d 'print JSON'
complete -c sbx -n '__sbx_in run learn check explain doctor' -l color -x -a 'auto always never' -d 'when to use colours'
complete -c sbx -n '__sbx_in run learn check explain doctor' -l no-color -d 'no colours'
complete -c sbx -n '__sbx_in minimize check show explain diff export score unit' -a '(__sbx_policies)'
complete -c sbx -n '__sbx_in run' -l seccomp -r -F -d 'take the system calls from a profile'
complete -c sbx -n '__sbx_in run import' -l compat -x -a 'runc strict' -d 'how a test of one argument twice is read'
complete -c sbx -n '__sbx_in import' -l from -x -a 'oci docker firejail systemd' -d 'the format of the file'
complete -c sbx -n '__sbx_in export' -l to -x -a 'oci docker kubernetes security-profiles-operator bwrap systemd' -d 'the format to write'
complete -c sbx -n '__sbx_in learn minimize import export unit' -s o -l output -r -F -d 'write to a file'
complete -c sbx -n '__sbx_in import' -l outdir -x -a '(__fish_complete_directories)' -d 'write a policy for each file there'
complete -c sbx -n '__sbx_in import' -F
complete -c sbx -n '__sbx_in audit' -F -l follow -d 'print records as they come'
complete -c sbx -n '__sbx_in audit' -l since -x -d 'leave out what was before'
complete -c sbx -n '__sbx_in audit' -l match -x -a 'kill crash denied logged seccomp landlock' -d 'only records that fit'
complete -c sbx -n '__sbx_in audit' -l alert-on -x -a 'kill crash denied logged seccomp landlock' -d 'status 1 if a record fits'
complete -c sbx -n '__sbx_in learn' -l merge -d 'unite with earlier runs'
complete -c sbx -n '__sbx_in learn' -l check -x -a '(__sbx_policies)' -d 'check a policy'
complete -c sbx -n '__sbx_in learn' -l junit -r -F -d 'write the result as XML'
complete -c sbx -n '__sbx_in learn' -l exact -d 'watch every call'
complete -c sbx -n '__sbx_in learn' -l engine -x -a 'auto notify ebpf' -d 'who watches'
complete -c sbx -n '__sbx_in learn' -l pid -x -a '(__fish_complete_pids)' -d 'watch a process that runs'
complete -c sbx -n '__sbx_in learn' -l unit -x -d 'watch a systemd unit that runs'
complete -c sbx -n '__sbx_in learn' -l for -x -d 'with --pid and --unit, for so long'
complete -c sbx -n '__sbx_in learn' -l view -x -a 'host policy' -d 'which files are there'
complete -c sbx -n '__sbx_in learn minimize' -l verify -x -a 'auto always never' -d 'prove it by a second run'
complete -c sbx -n '__sbx_in syscall' -l dump -d 'print every call'
complete -c sbx -n '__sbx_in learn check import export' -l strict -d 'let warnings, changes and losses fail'
complete -c sbx -n '__sbx_in show' -l origin -d 'print where each value came from'
complete -c sbx -n '__sbx_in diff score' -l neutral -d 'assume a host with every path'
complete -c sbx -n '__sbx_in score' -l threshold -x -d 'fail if the exposure is over it'
complete -c sbx -n '__sbx_in diff' -l only-wider -d 'fail only if B allows more'
complete -c sbx -n '__sbx_in list' -l names -d 'print bare names'
complete -c sbx -n '__sbx_in help' -l dump-options -d 'print every verb and option'
complete -c sbx -n '__sbx_in help' -a 'run learn minimize check show explain diff list syscall schema import export unit score verify audit why events doctor help version'
