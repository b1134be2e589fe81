# SPDX-License-Identifier: MIT
"""What xenalyze --dump-all says of an event, made of what `hypertrace xen dump --json` says of it.

One rule per event, so that equal text means equal values in all fields that xenalyze shows.
"""
import re

# xenalyze calculates with integers: ns = (TSC << 10) / qhz
HZ = 2596124000
QHZ = (HZ << 10) // 1000000000

LINE = re.compile(r"^[ \]!](?P<time> *\d+\.\d{9}| {14}) (?P<pcpus>[-.|l0-9 ]*x[-.|l0-9 ]*) "
                  r"(?P<running>d\?v\?|d\d+v\d+) ?(?P<text>.*)$")


def time_text(tsc, base):
    if tsc is None or tsc <= base:
        return " " * 14
    ns = ((tsc - base) << 10) // QHZ
    return "%3u.%09u" % (ns // 10**9, ns % 10**9)


def us(ns):
    """Not what a number is written as: the thousandths lack their leading zeros."""
    return f"{ns // 1000}.{ns % 1000}us"


def rdom(value):
    return value[1:]


def generic(event):
    code = event["code"]
    words = "".join(" %x" % word for word in event["extra"])
    return "%7x(%x:%x:%x) %u [%s ]" % (code, code >> 16, code >> 12 & 15, code & 0xfff, len(event["extra"]), words)


def percent(raw, shift=18):
    return "%4.3f%% (%d)" % (raw * 100.0 / (1 << shift), raw)


def runnable(f, name):
    return f", {name} for {us(f['runnable_ns'])}" if f["runnable_ns"] else ""


def time_slice(f):
    return f", next slice {us(f['slice_ns'])}" if f.get("slice_ns") else ""


def credit(f):
    budget = "" if f["budget"] is None else f"budget = {f['budget']}, "
    return f"credit = {f['credit']}, {budget}delta = {f['delta']}"


def busy(f):
    text = ", tasklet scheduled" if f["tasklet"] else ""
    text += ", idle" if f["idle"] else ", busy"
    if f["idle"] and "smt_idle" in f:
        text += ", SMT idle" if f["smt_idle"] else ", SMT busy"
    if "tickled" in f:
        text += ", tickled" if f["tickled"] else ", not tickled"
    return text


# Where xenalyze calls a hypercall otherwise than Xen's public header, which gives the names here.
OTHER_NAMES = {"sched_op_compat": "sched_op(compat)", "event_channel_op_compat": "evtchn_op(compat)",
               "physdev_op_compat": "physdev_op(compat)", "xsm_op": "acm_op", "event_channel_op": "evtchn_op"}


def hypercall_name(f):
    return OTHER_NAMES.get(f["op"], f["op"])


def arguments(event):
    """xenalyze writes 64-bit arguments in decimal, padded to 16 places, and leaves them out where it knows the call."""
    f = event["fields"]
    op = f["op"] if "op" in f else None
    if op == "mmu_update":
        return f" {f['updates']} updates" + (" (preempted)" if f["preempted"] else "")
    if op == "multicall":
        return f" {f['calls']} calls"
    if op == "grant_table_op":
        return f" {f['cmd']} {f['ops']} ops"
    if op == "vcpu_op":
        return f" {f['cmd']} vcpu {f['vcpu']}"
    if op == "mmuext_op":
        # bit 31 says that it was broken off and goes on; xenalyze takes it for the sign of the number
        return f" {f['ops'] - (f['preempted'] << 31)} ops"
    if op == "sched_op":
        return f" {f['cmd']}"
    text, word, words = "", 1, event["extra"]
    for i in range(6):
        size = words[0] >> (20 + 2 * i) & 3
        if word >= len(words):
            break
        value = int(f[f"arg{i}"], 16) if size else None
        text += {0: " ??", 1: " %08x", 2: " %016d"}[size] % (() if value is None else value)
        word += size
    return text


def hypercall(event, indent=""):
    f = event["fields"]
    return f"{indent}hypercall %2x ({hypercall_name(f)})" % f["op_nr"] + arguments(event)


RULES = {
    "runstate_change": lambda f: f"runstate_change {f['vcpu']} {f['from']}->{f['to']}",
    "runstate_continue": lambda f: f"runstate_continue {f['vcpu']} running->running",
    "sched_init_domain": lambda f: f"sched_init_domain d{f['domain']}",
    "sched_destroy_domain": lambda f: f"sched_destroy_domain d{f['domain']}",
    "vcpu_sleep": lambda f: f"vcpu_sleep {f['vcpu']}",
    "vcpu_wake": lambda f: f"vcpu_wake {f['vcpu']}",
    "vcpu_yield": lambda f: f"vcpu_yield {f['vcpu']}",
    "vcpu_block": lambda f: f"vcpu_block {f['vcpu']}",
    "sched_shutdown": lambda f: f"sched_shutdown {f['vcpu']}, reason = {f['reason_nr']}",
    "sched_shutdown_code": lambda f: f"sched_shutdown_code {f['vcpu']}, reason = {f['reason_nr']}",
    "sched_adjust": lambda f: f"sched_adjust d{f['domain']}",
    "sched_switch": lambda f: f"sched_switch prev {f['prev']} next {f['next']}",
    "sched_switch_infprev": lambda f: f"sched_switch prev {f['vcpu']}, run for {us(f['runtime_ns'])}",
    "sched_switch_infnext": lambda f: f"sched_switch next {f['vcpu']}" + runnable(f, "was runnable") + time_slice(f),
    "sched_switch_infcont": lambda f: f"sched_switch continue {f['vcpu']}, run for {us(f['runtime_ns'])}" +
                                      time_slice(f),
    "csched:sched_tasklet": lambda f: "csched:sched_tasklet",
    "csched:acct_start": lambda f: f"csched:acct_start {f['vcpu']}, active_vcpus {f['active_vcpus']}",
    "csched:acct_stop": lambda f: f"csched:acct_stop {f['vcpu']}, active_vcpus {f['active_vcpus']}",
    "csched:stolen_vcpu": lambda f: f"csched:stolen_vcpu {f['vcpu']} from cpu {f['from_cpu']}",
    "csched:pick_cpu": lambda f: f"csched:pick_cpu {f['cpu']} for {f['vcpu']}",
    "csched:runq_tickle": lambda f: f"csched:runq_tickle, cpu {f['cpu']}",
    "csched:boost": lambda f: f"csched: {f['vcpu']} boosted",
    "csched:unboost": lambda f: f"csched: {f['vcpu']} unboosted",
    "csched:schedule": lambda f: f"csched:schedule cpu {f['cpu']}" + busy(f),
    "csched:ratelimit": lambda f: f"csched:ratelimit, {f['vcpu']} run only {us(f['runtime_ns'])}",
    "csched:load_balance": lambda f: "csched:load_balance " + ("checking" if f["checked"] else "skipping") +
                                     f" {f['peer_cpu']}",
    "csched2:runq_insert": lambda f: f"csched2:runq_insert {f['vcpu']}, position {f['position']}",
    "csched2:burn_credits": lambda f: f"csched2:burn_credits {f['vcpu']}, " + credit(f),
    "csched2:tickle_check": lambda f: f"csched2:tickle_check {f['vcpu']}, credit = {f['credit']}, score = {f['score']}",
    "csched2:runq_tickle": lambda f: f"csched2:runq_tickle cpu {f['cpu']}",
    "csched2:reset_credits": lambda f: f"csched2:reset_credits {f['vcpu']}, credit_start = {f['credit_start']}, "
                                       f"credit_end = {f['credit_end']}",
    "csched2:sched_tasklet": lambda f: "csched2:sched_tasklet",
    "csched2:update_load": lambda f: "csched2:update_load",
    "csched2:runq_assign": lambda f: f"csched2:runq_assign {f['vcpu']} on rq# {f['rq']}",
    "csched2:update_vcpu_load": lambda f: f"csched2:update_vcpu_load {f['vcpu']}, vcpu_load = " +
                                          percent(f["vcpu_load"]),
    "csched2:update_rq_load": lambda f: f"csched2:update_rq_load rq# {f['rq']}, load = {f['load']}, avgload = " +
                                        percent(f["avgload"]) + ", b_avgload = " + percent(f["b_avgload"]),
    "csched2:runq_tickle_new": lambda f: f"csched2:runq_tickle_new {f['vcpu']}, processor = {f['processor']}, "
                                         f"credit = {f['credit']}",
    "csched2:update_max_weight": lambda f: f"csched2:update_max_weight rq# {f['rq']}, max_weight = {f['max_weight']}",
    "csched2:migrate": lambda f: f"csched2:migrate {f['vcpu']} rq# {f['from_rq']} --> rq# {f['to_rq']}",
    "csched2:load_balance_check": lambda f: f"csched2:load_balance_check lrq# {f['lrq']}, orq# {f['orq']}, "
                                            f"delta = {f['delta']}",
    "csched2:load_balance_begin": lambda f: f"csched2:load_balance_begin lrq# {f['lrq']}, avg_load = {f['lrq_load']}"
                                            f" -- orq# {f['orq']}, avg_load = {f['orq_load']}",
    "csched2:picked_cpu": lambda f: f"csched2:picked_cpu {f['vcpu']}, rq# {f['rq']}, cpu {f['cpu']}",
    "csched2:runq_candidate": lambda f: f"csched2:runq_candidate {f['vcpu']}, credit = {f['credit']}, " +
                                        ("no cpu was tickled" if f["tickled_cpu"] is None else
                                         f"cpu {f['tickled_cpu']} was tickled"),
    "csched2:schedule": lambda f: f"csched2:schedule cpu {f['cpu']}, rq# {f['rq']}" + busy(f),
    "csched2:ratelimit": lambda f: f"csched2:ratelimit, {f['vcpu']} run only {us(f['runtime_ns'])}",
    "csched2:runq_cand_check": lambda f: f"csched2:runq_cand_check {f['vcpu']}",
    "rtds:runq_tickle": lambda f: f"rtds:runq_tickle cpu {f['cpu']}",
    "rtds:runq_pick": lambda f: f"rtds:runq_pick {f['vcpu']}, deadline = {f['deadline']}, budget = {f['budget']}",
    "rtds:burn_budget": lambda f: f"rtds:burn_budget {f['vcpu']}, budget = {f['budget']}, delta = {f['delta']}",
    "rtds:sched_tasklet": lambda f: "rtds:sched_tasklet",
    "rtds:schedule": lambda f: f"rtds:schedule cpu {f['cpu']}, " + busy(f),
    "null:picked_cpu": lambda f: f"null:picked_cpu {f['vcpu']}, cpu {f['cpu']}",
    "null:vcpu_assign": lambda f: f"null:vcpu_assign {f['vcpu']} to cpu {f['cpu']}",
    "null:vcpu_deassign": lambda f: f"null:vcpu_deassign {f['vcpu']} from cpu {f['cpu']}",
    "null:migrate": lambda f: f"null:migrate {f['vcpu']}, cpu {f['cpu']}, new_cpu {f['new_cpu']}",
    "null:sched_tasklet": lambda f: "null:sched_tasklet",
    "domain_create": lambda f: f"creating domain d{f['domain']}",
    "domain_destroy": lambda f: f"destroying domain d{f['domain']}",
    "page_grant_map": lambda f: f"grant-map domain {f['domain']}",
    "page_grant_unmap": lambda f: f"grant-unmap domain {f['domain']}",
    "page_grant_transfer": lambda f: f"grant-transfer domain {f['domain']}",
    "set_p2m_entry": lambda f: f"set_p2m_entry d{f['domain']} o{f['order']} t {f['p2mt']} g {f['gfn'][2:]} "
                               f"m {f['mfn'][2:]}",
    "decrease_reservation": lambda f: f"decrease_reservation d{f['domain']} o{f['order']} g {f['gfn'][2:]}",
    "pod_populate": lambda f: f"pod_populate d{f['domain']} o{f['order']} g {f['gfn'][2:]} m {f['mfn'][2:]}",
    "cpu_freq_change": lambda f: f"pm_freq_change o{f['from_mhz']} n{f['to_mhz']}",
    "cpu_idle_entry": lambda f: f"pm_idle_start c{f['c_state']}",
    "cpu_idle_exit": lambda f: f"pm_idle_end c{f['c_state']}",
    "irq_move_cleanup_delay": lambda f: f"irq_move_cleanup_delay irq {f['irq']:x} vec {f['vector'][2:]} cpu {f['cpu']}",
    "irq_move_cleanup": lambda f: f"irq_move_cleanup irq {f['irq']:x} vec {f['vector'][2:]} cpu {f['cpu']}",
    "irq_unmapped_vector": lambda f: f"irq_unmapped_vector vec {f['vector'][2:]}",
    "ptwr": lambda f: f"ptwr l1e {f['l1e'][2:]} eip {f['rip'][2:]} addr {f['addr'][2:]}",
}

# Not shown by xenalyze at all
SILENT = {"wrap_buffer", "csched2:tick", "csched2:credit_add", "sched_ctl", "sched_s_timer", "sched_t_timer",
          "sched_dom_timer"}


def irq_handled(event):
    f = event["fields"]
    start, end = (value - (1 << 32) if value >> 31 else value for value in (f["start_tsc"], f["end_tsc"]))
    length = (end - start + (1 << 31)) % (1 << 32) - (1 << 31)
    return f"irq_handled irq {f['irq']:x} {length} ({start},{end})"


def words(event, name):
    """PV events that xenalyze does not take apart."""
    return name + ("[ " + "".join("%x " % word for word in event["extra"]) + "]" if event["extra"] else "")


PV_WORDS = {"page_fault": "page_fault", "forced_invalid_op": "forced_invalid_op", "emulate_privop": "emulate privop",
            "emulate_4gb": "emulate 4g", "math_state_restore": "math state restore", "paging_fixup": "paging fixup",
            "gdt_ldt_mapping_fault": "gdt/ldt mapping fault"}


def text(event):
    """None: xenalyze does not show it. A KeyError is an event that no rule is known for."""
    name, f = event["event"], event.get("fields", {})
    if name in SILENT:
        return None
    if name == "hypercall" and event["code"] == 0x20100d:
        return hypercall(event)
    if name == "subcall":
        return hypercall(event, " ")
    if name in PV_WORDS and event["class"] == "pv":
        return words(event, PV_WORDS[name])
    if name == "trap" and event["class"] == "pv":
        ec = f" ec {f['ec'][2:]}" if "ec" in f else ""
        return f"trap {f['vector_nr']:x} eip {f['rip'][2:]}{ec}"
    if name == "irq_handled":
        return irq_handled(event)
    return RULES[name](f)
