#!/usr/bin/env python3
"""A training loop that gives way in time.

Weir tells a pod that it has to go by setting the annotation weir.scheduler/preempt-by, the time of its eviction. A
downward-API volume shows the annotations as a file. This loop looks at the file after every step. When a notice is there it
writes a checkpoint and says so in the annotation weir.scheduler/checkpointed-at: Weir then evicts it at once, instead of
waiting, and counts less work as lost. The pod that takes its place goes on from the checkpoint.

Plain Python 3.8 or newer, no packages. Replace `train_one_step` and what is in the state with your own.
"""

import argparse
import datetime
import json
import os
import signal
import ssl
import sys
import time
import urllib.request

PREEMPT_BY = "weir.scheduler/preempt-by"
CHECKPOINTED_AT = "weir.scheduler/checkpointed-at"
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
EXIT_PREEMPTED = 75  # "temporary failure": not 0, or the Job would count the pod as done
REPORT_ATTEMPTS = 3


def say(message):
    print(message, flush=True)


def read_notice(path):
    """The value of preempt-by, or None. The file has one line KEY="VALUE" for each annotation, quoted as in JSON."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return None
    for line in lines:
        key, found, value = line.partition("=")
        if found and key == PREEMPT_BY:
            return json.loads(value)
    return None


def load(path):
    """The state of the last checkpoint, or a new one."""
    try:
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
    except FileNotFoundError:
        return {"step": 0, "loss": 1.0}
    say(f"resumed at step {state['step']}")
    return state


def save(path, state):
    """Writes beside it and renames: whoever is killed in the middle leaves the old checkpoint whole."""
    beside = path + ".new"
    with open(beside, "w", encoding="utf-8") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    say(f"checkpoint at step {state['step']}")


def report(options):
    """Sets checkpointed-at on this pod. If that fails the pod keeps its time until the deadline; training goes on either way."""
    now = datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
    request = urllib.request.Request(
        f"{options.api_server}/api/v1/namespaces/{options.namespace}/pods/{options.pod}",
        method="PATCH",
        data=json.dumps({"metadata": {"annotations": {CHECKPOINTED_AT: now}}}).encode(),
        headers={"Content-Type": "application/merge-patch+json"},
    )
    context = None
    if options.api_server.startswith("https:"):
        context = ssl.create_default_context(cafile=os.path.join(SERVICE_ACCOUNT, "ca.crt"))
        with open(os.path.join(SERVICE_ACCOUNT, "token"), encoding="utf-8") as token:
            request.add_header("Authorization", "Bearer " + token.read().strip())
    for attempt in range(1, REPORT_ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(request, timeout=10, context=context):
                say(f"reported {now}")
                return
        except OSError as error:  # URLError, HTTPError, time-outs, refused connections
            say(f"attempt {attempt} of {REPORT_ATTEMPTS} to set {CHECKPOINTED_AT} failed: {error}")
        if attempt < REPORT_ATTEMPTS:
            time.sleep(attempt)


def train_one_step(state, seconds):
    time.sleep(seconds)  # your forward and backward pass
    state["step"] += 1
    state["loss"] *= 0.999


def main():
    parser = argparse.ArgumentParser(description="A training loop that writes a checkpoint when it is told to go.")
    parser.add_argument("--annotations", default="/etc/podinfo/annotations", help="the file of the downward-API volume")
    parser.add_argument("--checkpoint", default="/checkpoint/state.json", help="where the state is kept")
    parser.add_argument("--steps", type=int, default=3600)
    parser.add_argument("--step-seconds", type=float, default=1.0)
    parser.add_argument("--checkpoint-every", type=int, default=300, metavar="STEPS")
    parser.add_argument("--on-notice", choices=["report", "exit"], default="report", help="set checkpointed-at and go on until evicted, or exit")
    parser.add_argument("--namespace", default=os.environ.get("POD_NAMESPACE"))
    parser.add_argument("--pod", default=os.environ.get("POD_NAME"))
    parser.add_argument(
        "--api-server",
        default="https://{}:{}".format(os.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")),
    )
    options = parser.parse_args()
    if options.on_notice == "report" and not (options.namespace and options.pod):
        parser.error("--on-notice report needs --namespace and --pod, or POD_NAMESPACE and POD_NAME from the downward API")

    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append(True))
    state = load(options.checkpoint)
    heeded = None
    while state["step"] < options.steps:
        train_one_step(state, options.step_seconds)
        if told:
            save(options.checkpoint, state)
            say("told to end")
            return EXIT_PREEMPTED
        notice = read_notice(options.annotations)
        if notice is not None and notice != heeded:
            # A notice can be withdrawn and another one given: each has a time of its own.
            heeded = notice
            say(f"notice: evicted at {notice}")
            save(options.checkpoint, state)
            if options.on_notice == "exit":
                return EXIT_PREEMPTED
            report(options)
        elif state["step"] % options.checkpoint_every == 0:
            save(options.checkpoint, state)
            if options.on_notice == "report":
                report(options)
    save(options.checkpoint, state)
    say(f"done: loss {state['loss']:.6f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
