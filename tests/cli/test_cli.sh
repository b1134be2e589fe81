#!/bin/bash
# SPDX-License-Identifier: MIT
# The command line where nothing is wrong: help, man pages, completion, and JSON that is JSON. Mistakes: test_errors.sh.
set -u
: "${HYPERTRACE:?the program to test}"
here=$(cd "$(dirname "$0")" && pwd)
trace=$here/../golden/trace
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
	echo "$*" >&2
	exit 1
}

# run STATUS ARGUMENT... : the outputs are in `out` and `err`
run() {
	local want=$1 status
	shift
	timeout 60 "$HYPERTRACE" "$@" >out 2>err </dev/null
	status=$?
	[ $status = "$want" ] || fail "hypertrace $*: status $status, not $want: $(head -c 500 err)"
}

quiet() {
	[ ! -s err ] || fail "hypertrace $1: stderr is not empty: $(head -c 500 err)"
}

contains() {
	grep -qF -e "$2" "$1" || fail "'$2' is missing: $(head -c 500 "$1")"
}

# json lines|document PYTHON-EXPRESSION : `out` is JSON and the expression, of `all` (a list of values), is true
json() {
	python3 - "$1" "$2" <<-'PYTHON' || fail "$2 does not hold: $(head -c 500 out)"
	import json, sys
	text = open("out", encoding="utf-8").read()
	all = [json.loads(line) for line in text.splitlines()] if sys.argv[1] == "lines" else [json.loads(text)]
	sys.exit(not eval(sys.argv[2]))
	PYTHON
}

# --- the program as a whole ---
run 0 --version
quiet --version
grep -qE '^hypertrace [0-9]+\.[0-9]+' out || fail "--version: $(cat out)"
run 0 --help && quiet --help
verbs=$(sed -nE 's/^  ([a-z]+) .*/\1/p' out)
sources=$(find "$here/../../tools/hypertrace" -name 'cmd_*.c' ! -name 'cmd_xen_*' | wc -l) # attach has detach in it
[ "$(echo "$verbs" | wc -l)" = $((sources + 1)) ] || fail "verbs: $verbs"
cp out all
run 0 -h && cmp -s out all || fail "-h differs from --help"
run 0 help && cmp -s out all || fail "help differs from --help"
run 2 # nothing to do: the same, as an error
cmp -s err all || fail "without a verb: $(cat err)"
run 2 reprot && contains err "did you mean 'report'?"
run 2 help reprot && contains err "unknown verb 'reprot'"

# --- each verb ---
xen_verbs=$("$HYPERTRACE" xen 2>&1 | sed -nE 's/^  ([a-z]+) .*/xen \1/p')
run 0 xen --help && quiet "xen --help"
run 2 xen frobnicate && contains err "unknown verb 'xen frobnicate'" && contains err hint:
while read -r verb; do # of one word, or two
	run 0 $verb --help && quiet "$verb --help"
	head -n 1 out | grep -q "^hypertrace $verb " || fail "$verb --help begins with: $(head -n 1 out)"
	contains out Options
	contains out Examples
	grep -qE '.{101}' out && fail "$verb --help has a line of more than 100 columns: $(grep -E '.{101}' out)"
	grep -qE ' $' out && fail "$verb --help has blanks at the end of a line"
	# one style of options' help: small letter first, no full stop last
	sed -n '/^Options/,/^Examples/p' out | grep -E '^  .{28}[A-Z][a-z ].*[^.]\.$' && fail "$verb: a sentence"
	cp out help
	run 0 help $verb && cmp -s out help || fail "help $verb differs from $verb --help"
	# every option that an example uses exists
	for option in $(sed -n '/^Examples/,$p' help | grep "hypertrace $verb " |
		sed "s/.*\(hypertrace $verb \)/\1/; s/ -- .*//; s/[|&>].*//" |
		grep -oE -e ' --[a-z-]+' | sort -u); do
		sed -n '/^Options/,/^Examples/p' help | grep -qE -e "$option( |$)" || fail "$verb: example with $option"
	done
	run 0 help --man $verb && quiet "help --man $verb"
	contains out ".Nm hypertrace $verb"
	if command -v mandoc >/dev/null; then
		mandoc -T lint out | grep -v 'referenced manual not found' && fail "$verb: the man page"
	fi
	run 2 $verb --frobnicate && contains err "unknown option --frobnicate" && contains err hint:
done < <(printf "%s\n" "$verbs" "$xen_verbs")
run 2 help --man

# --- completion ---
run 0 help --completion
complete() {
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	_hypertrace
	echo "${COMPREPLY[*]}"
}
. ./out || fail "the completion is no script"
completes() { # WANTED WORD... : what the last word becomes
	local wanted=$1
	shift
	[ "$(complete "$@")" = "$wanted" ] || fail "complete $*: '$(complete "$@")', not '$wanted'"
}
completes 'record report' hypertrace re
completes --mode hypertrace run --mo
completes discard hypertrace run --mode d
completes 'mean max' hypertrace graph -s m
completes doctor hypertrace help do
completes '' hypertrace dump x
# verbs behind verbs, with their options and words
completes 'summary scatter' hypertrace xen s
completes summary hypertrace help xen su
completes '--pcpu' hypertrace xen dump --p
completes 'vcpu' hypertrace xen summary xen.trace --per v
completes 'runstate runstate-time' hypertrace xen scatter --idle ru
completes '' hypertrace xen scatter runstate i # a file's name
completes '' hypertrace xen scatter --svg i    # likewise
completes '--svg --svm' hypertrace xen scatter runstate xen.trace --s
completes 'guest graph' hypertrace bench xen -n 1000000 g
completes '' hypertrace xen frobnicate --
while read -r verb; do # every option that the help has, and no other
	options=$("$HYPERTRACE" $verb --help | sed -n '/^Options/,/^Examples/s/^  \(-.,\|   \) \(--[a-z-]*\).*/\2/p' | sort)
	[ -n "$options" ] || fail "$verb: no options"
	completed=$(complete hypertrace $verb -- | tr ' ' '\n' | sort)
	[ "$completed" = "$options" ] || fail "$verb completes $completed, and has $options"
done < <(printf "%s\n" "$verbs" "$xen_verbs")

# --- on a terminal, where nobody types a trace ---
cat >on_terminal.py <<'PYTHON'
import os, pty, sys
master, slave = pty.openpty()
os.dup2(slave, 0)
os.set_inheritable(master, True)  # a terminal without its other end is none
os.execv(sys.argv[1], sys.argv[1:])
PYTHON
for verb in dump summary 'scatter pcpu' convert; do
	timeout 60 python3 on_terminal.py "$HYPERTRACE" xen $verb >out 2>err
	[ $? = 2 ] && contains err 'no trace named' && contains err hint: || fail "xen $verb on a terminal: $(cat out err)"
done

# --- JSON ---
run 0 info --json "$trace" && quiet 'info --json'
json document 'all[0]["machines"][0]["events"] > 0 and all[0]["machines"][0]["cpus"]'
run 0 report --json "$trace" && quiet 'report --json'
json document 'all[0]["machines"][0]["events"] > 0'
run 0 report --json --by-task --top 1 "$trace"
json document 'all[0]["machines"][0]["syscalls_by_task"] is not None'
run 0 dump --json "$trace"
json lines 'len(all) > 10 and {"event", "cpu"} <= set(all[0])'
run 0 dump --json --count "$trace"
json document 'sum(all[0]["by_event"].values()) == all[0]["events"]'
for verb in info report dump; do
	run 1 $verb --json nosuch
	json document 'all[0]["error"]["text"] and all[0]["error"]["code"] < 0 and all[0]["error"]["hint"]'
done
run 2 report --json -f nosuch "$trace"
json document 'all[0]["error"]["hint"]'
timeout 60 "$HYPERTRACE" doctor --json >out 2>err </dev/null
[ $? -le 1 ] || fail "doctor --json: $(cat err)"
json lines 'len({finding["id"] for finding in all}) == len(all) > 3'
json lines 'not [f for f in all if f["status"] not in ("ok", "warn", "fail") or not f["finding"]]'
json lines 'not [f for f in all if f["status"] != "ok" and not f["remedy"]]' # a remedy for each

# --- the trace that is meant where none is named ---
cp -r "$trace" hypertrace.data
for verb in info report dump; do
	run 0 $verb "$trace" && cp out named
	run 0 $verb
	[ $verb = dump ] && { cmp -s out named || fail "dump without a trace"; }
	[ -s out ] || fail "$verb without a trace"
done

# --- words of -e, given once or twice; events in several layouts go by one name ---
count() {
	run 0 dump --count "$@" "$trace"
	cat out
}
exits=$(count -e sys_exit) enters=$(count -e sys_enter) both=$(count -e sys_exit -e sys_enter)
[ "$both" = $((exits + enters)) ] || fail "-e twice: $both, not $exits + $enters"
[ "$(count -e syscalls)" = "$both" ] || fail "-e syscalls: not $both"
[ "$(count -e 'all,!syscalls')" = $(($(count) - both)) ] || fail '-e all,!syscalls'
