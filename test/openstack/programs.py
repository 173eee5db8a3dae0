"""Other programs, run to their end or started, and the JSON lines about them."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def say(event, **fields):
    """Prints one JSON line."""
    print(json.dumps({'event': event, **fields}), flush=True)


def run(*command, env=None, may_fail=False):
    """Runs a program that is killed when this one dies; ends this one when it fails."""
    done = subprocess.run(
        list(map(str, command)), env=env, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
    if done.returncode and not may_fail:
        sys.exit(f'{" ".join(map(str, command))}: failed with code {done.returncode}:\n'
                 f'{done.stdout[-4000:]}')


def run_all(commands, env=None):
    for command in commands:
        run(*command, env=env)


def spawn(command, log, **options):
    """Starts a program that is killed when this one dies; its errors go to the log."""
    with open(log, 'ab') as file:
        return subprocess.Popen(
            list(map(str, command)), stderr=file, text=True, stdin=subprocess.PIPE,
            start_new_session=True, preexec_fn=die_with_parent,
            **{'stdout': file, **options})


def find(name):
    """The path of a program, also of one for administrators."""
    return shutil.which(name, path=f'{os.environ.get("PATH", "")}:/usr/sbin:/usr/local/sbin')


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
