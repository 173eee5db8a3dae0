"""One of the testbed's services: a process that can be killed, paused and started again."""

import signal
import socket
import sys
import time
import urllib.error
import urllib.request

from programs import find, spawn

START_SECONDS = 120


class Service:
    """A process and how to ask it whether it serves. Its output goes to the state
    folder's logs; `options` are those of subprocess.Popen."""

    def __init__(self, name, command, state, probe, **options):
        self.name = name
        self.command = command
        self.log = state / 'logs' / f'{name}.log'
        self.probe = probe
        self.options = options
        self.process = None

    def start(self):
        if self.process and self.process.poll() is None:
            raise ValueError(f'{self.name} is running')
        self.log.parent.mkdir(exist_ok=True)
        self.process = spawn(self.command, self.log, **self.options)

    def wait(self):
        """Returns when it serves; ends the testbed when it does not come to that."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.probe()
            except OSError as error:
                if self.process.poll() is not None:
                    sys.exit(f'{self.name} ended; the end of {self.log}:\n{self.last_lines()}')
                if time.monotonic() > deadline:
                    sys.exit(f'{self.name} does not serve after {START_SECONDS} s: {error}; '
                             f'the end of {self.log}:\n{self.last_lines()}')
                time.sleep(0.05)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def shut_down(self):
        self.process.terminate()
        self.process.wait()

    def last_lines(self):
        return '\n'.join(self.log.read_text(errors='replace').splitlines()[-15:])


def mariadb(state):
    """MariaDB as configured in the state folder, reached by its socket there."""
    def connect():
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f'{state}/mariadb.sock')
    command = [find('mariadbd'), f'--defaults-file={state}/mariadb.cnf']
    return Service('mariadb', command, state, connect)


def api(name, port, command, state, **options):
    """A service with an API on loopback."""
    def reach():
        try:
            urllib.request.urlopen(f'http://127.0.0.1:{port}/', timeout=5).close()
        except urllib.error.HTTPError as answer:
            answer.close()  # whatever it says, it serves
    return Service(name, command, state, reach, **options)
