"""What the tool before does to the files that it shares with us, over and over: under its lock it reads the state, counts a
request, switches auto-rotation on, drops what it does not know, and replaces the file; then it appends to the trace."""

import fcntl
import json
import os
import sys

KNOWN = ["schema_version", "active_index", "rotation_index", "auto_rotate", "last_health_refresh", "keys"]


def locked(path):
    lock = open(path + ".lock", "a")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def save(path, state):
    with open(path + ".tmp", "w") as file:
        json.dump(state, file, indent=2)
        file.write("\n")
    os.replace(path + ".tmp", path)


def main(folder, label, rounds):
    state_path = os.path.join(folder, "state.json")
    trace_path = os.path.join(folder, "trace", "trace.jsonl")
    for number in range(rounds):
        with locked(state_path):
            with open(state_path) as file:
                state = json.load(file)
            state = {name: state[name] for name in KNOWN}
            for key in state["keys"].values():
                assert len(key) == 9, key
            state["keys"][label]["request_count"] += 1
            state["auto_rotate"] = True
            save(state_path, state)
        with locked(trace_path), open(trace_path, "a") as file:
            record = {"ts": "2026-02-02 15:30:00 +0300", "request_id": "%032x" % number, "key_label": label}
            file.write(json.dumps(dict(record, status=200, latency_ms=1, schema_version=1)) + "\n")


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
