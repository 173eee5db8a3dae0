#!/usr/bin/env python3
"""An OpenStack for tests, on loopback: Keystone, Placement, Glance, Neutron and
Nova with simulated hypervisors. Runs until SIGTERM or the end of standard input.

Standard output has one JSON object a line; the one with "event": "ready" has
the endpoints and credentials. Standard input takes commands, one a line, and each
is answered by a line with "event": "done" or "error":
  kill NAME, start NAME, pause NAME, resume NAME
                (mariadb, keystone, placement, glance, neutron, nova)
  power-off HOST, power-on HOST     (a compute host)
"""

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import bootstrap
import config
import loopback
import service
from cache import Cache, cache_folder
from programs import say

HERE = pathlib.Path(__file__).resolve().parent
SERVED = ('keystone', 'placement', 'glance', 'neutron')  # by serve.py


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--hosts', type=int, default=3,
                        help='number of compute hosts, compute-0 and on (default 3)')
    parser.add_argument('--dir', type=pathlib.Path,
                        help='state folder, new or empty, that stays (default: a temporary one)')
    parser.add_argument('--prepare', action='store_true',
                        help='install what is needed into the cache, then exit')
    arguments = parser.parse_args()
    if arguments.dir and arguments.dir.exists() and any(arguments.dir.iterdir()):
        parser.error(f'{arguments.dir} is not empty')

    cache = Cache(cache_folder())
    cache.prepare()
    if arguments.prepare:
        say('prepared', cache=str(cache.root))
        return
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: sys.exit(0))
    state = arguments.dir or pathlib.Path(tempfile.mkdtemp(prefix='openstack-'))
    testbed = Testbed(cache, state.resolve(), arguments.hosts)
    try:
        testbed.start()
        testbed.serve_commands()
    finally:
        testbed.stop()
        if not arguments.dir:
            shutil.rmtree(state, ignore_errors=True)


class Testbed:
    """The processes of one running OpenStack and its state folder."""

    def __init__(self, cache, state, hosts):
        self.cache = cache
        self.state = state
        self.hosts = [f'compute-{number}' for number in range(hosts)]
        self.reserved = loopback.reserve(config.API_SERVICES)
        self.ports = {name: loopback.port_of(one) for name, one in self.reserved.items()}
        self.services = {
            'mariadb': service.mariadb(state),
            **{name: self.api(name, 'serve.py', f'{name}.wsgi.api') for name in SERVED},
            'nova': self.api('nova', 'nova_all.py', *self.hosts, stdout=subprocess.PIPE),
        }

    def api(self, name, script, *arguments, **options):
        command = [self.cache.program('python'), HERE / script, self.ports[name], *arguments]
        environment = {**os.environ, **config.environment(self.state),
                       'PYTHONDONTWRITEBYTECODE': '1'}
        return service.api(name, self.ports[name], command, self.state,
                           env=environment, **options)

    def start(self):
        began = time.monotonic()
        shutil.copytree(self.cache.template, self.state, dirs_exist_ok=True)
        config.write_all(self.state, self.cache.venv / 'etc', self.ports)
        self.start_service('mariadb')
        self.services['mariadb'].wait()
        for name in SERVED:
            self.start_service(name)
        self.services['keystone'].wait()
        cloud = bootstrap.Cloud(self.ports)
        cloud.create_identity()
        self.services['placement'].wait()
        self.start_service('nova')
        for name in ('glance', 'neutron', 'nova'):
            self.services[name].wait()
        say('ready', **cloud.create_content(), hosts=self.hosts, dir=str(self.state),
            pids={name: each.process.pid for name, each in self.services.items()},
            seconds=round(time.monotonic() - began, 1))

    def start_service(self, name):
        one = self.services[name]
        one.start()
        if name == 'nova':
            threading.Thread(target=relay, args=(one.process,), daemon=True).start()

    def serve_commands(self):
        for line in sys.stdin:
            command = line.strip()
            try:
                self.run_command(command)
            except (ValueError, OSError) as error:
                say('error', command=command, message=str(error))

    def run_command(self, command):
        match command.split():
            case ['power-off' | 'power-on', _]:
                nova = self.services['nova'].process
                nova.stdin.write(f'{command}\n')
                nova.stdin.flush()
                return  # the answer comes from Nova's process, when it is done
            case ['start', name] if name in self.services:
                self.start_service(name)
            case ['kill' | 'pause' | 'resume' as verb, name] if name in self.services:
                getattr(self.services[name], verb)()
            case _:
                raise ValueError('there is no such command')
        say('done', command=command)

    def stop(self):
        """Kills everything: nothing here is worth a graceful shutdown."""
        started = [one for one in self.services.values() if one.process]
        for one in started:
            one.process.kill()
        for one in started:
            one.kill()


def relay(process):
    """Passes on the answers of Nova's process to commands about compute hosts."""
    for line in process.stdout:
        event, command, message = line.rstrip('\n').split('\t')
        say(event, command=command, **({'message': message} if message else {}))


if __name__ == '__main__':
    main()
