"""What takes long to make and is the same for every run: a virtual environment with
OpenStack, and a state folder whose databases have their tables."""

import concurrent.futures
import contextlib
import fcntl
import hashlib
import os
import pathlib
import platform
import shutil
import subprocess
import sys

import config
import system
from programs import find, run, run_all, say
from service import mariadb

HERE = pathlib.Path(__file__).resolve().parent
ENVIRONMENT_INPUTS = ('requirements.txt',)
TEMPLATE_INPUTS = ('requirements.txt', 'config.py', 'cache.py')


def cache_folder():
    """The testbed's folder in Careen's cache, as in test/support/controlplane/careen-cache.ts."""
    caches = os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache'
    return pathlib.Path(caches).resolve() / 'careen' / 'openstack'


class Cache:
    """Both parts bear the digest of their inputs in their names. A part counts only
    when it is whole, and one process at a time makes parts."""

    def __init__(self, root):
        self.root = root
        self.venv = root / f'venv-{digest(*ENVIRONMENT_INPUTS)}'

    @property
    def template(self):
        """The tables are of this MariaDB, so it has to be installed."""
        return self.root / f'template-{digest(*TEMPLATE_INPUTS, also=mariadb_version())}'

    def program(self, name):
        return str(self.venv / 'bin' / name)

    def prepare(self):
        """Makes what is not there yet. Returns when all is whole."""
        if self.is_whole():
            return
        self.root.mkdir(parents=True, exist_ok=True)
        with locked(self.root / 'lock'):
            if not system.makes_environments():
                system.install_packages()
            # The one waits for the disk mostly, the other for a processor.
            in_parallel(system.install_packages, self.complete_environment)
            if not self.template.exists():
                self.make_template()

    def is_whole(self):
        return (not system.missing_packages() and self.has_environment()
                and self.template.exists())

    def has_environment(self):
        return (self.venv / 'complete').exists()

    def complete_environment(self):
        if self.has_environment():
            return
        # Its programs have its path in them, so it is made in its place; the last file
        # says that it is whole.
        say('installing', what='OpenStack (Python packages)')
        run(sys.executable, '-m', 'venv', '--clear', self.venv)
        # All are pinned, so pip need not look for what they depend on; and it compiles
        # on one processor only.
        run(self.program('pip'), 'install', '--quiet', '--disable-pip-version-check',
            '--no-deps', '--no-compile', '--requirement', HERE / 'requirements.txt')
        run(self.program('pip'), '--disable-pip-version-check', 'check')
        # Some packages have templates that are no Python.
        run(self.program('python'), '-m', 'compileall', '-qq', '-j', '0', self.venv / 'lib',
            may_fail=True)
        (self.venv / 'complete').touch()

    def make_template(self):
        say('installing', what='databases with their tables')
        unfinished = self.root / 'unfinished'
        shutil.rmtree(unfinished, ignore_errors=True)
        config.write_all(unfinished, self.venv / 'etc', dict.fromkeys(config.API_SERVICES, 0))
        run(find('mariadb-install-db'), f'--defaults-file={unfinished}/mariadb.cnf',
            '--skip-test-db')
        environment = {**os.environ, **config.environment(unfinished)}
        database = mariadb(unfinished)
        database.start()
        try:
            database.wait()
            run(*self.database_command(unfinished))
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                for done in [pool.submit(run_all, steps, environment)
                             for steps in self.table_steps(unfinished)]:
                    done.result()
            database.shut_down()
        finally:
            database.kill()
        unfinished.rename(self.template)

    def database_command(self, state):
        return [self.program('python'), '-c',
                'import pymysql, sys\n'
                'cursor = pymysql.connect(unix_socket=sys.argv[1]).cursor()\n'
                'for name in sys.argv[2:]: cursor.execute("CREATE DATABASE " + name)',
                f'{state}/mariadb.sock', *config.DATABASES]

    def table_steps(self, state):
        """Independent lists of commands that make the services' tables and keys."""
        keystone = [self.program('keystone-manage'),
                    f'--config-file={state}/keystone/keystone.conf']
        owner = ['--keystone-user', str(os.getuid()), '--keystone-group', str(os.getgid())]
        nova = [self.program('nova-manage'), f'--config-file={state}/nova/nova.conf']
        cell = '{scheme}://{username}@{hostname}/%s?{query}'
        return [
            [[*nova, 'api_db', 'sync'],
             [*nova, 'cell_v2', 'map_cell0', '--database_connection', cell % 'nova_cell0'],
             [*nova, 'cell_v2', 'create_cell', '--name', 'cell1',
              '--transport-url', 'fake:///', '--database_connection', cell % 'nova'],
             [*nova, 'db', 'sync']],
            [[*keystone, 'db_sync'],
             [*keystone, 'fernet_setup', *owner],
             [*keystone, 'credential_setup', *owner],
             [*keystone, 'bootstrap', '--bootstrap-password', config.PASSWORD,
              '--bootstrap-region-id', config.REGION]],
            [[self.program('neutron-db-manage'),
              f'--config-file={state}/neutron/neutron.conf', 'upgrade', 'heads']],
            [[self.program('placement-manage'),
              f'--config-file={state}/placement/placement.conf', 'db', 'sync']],
            [[self.program('glance-manage'),
              f'--config-file={state}/glance/glance-api.conf', 'db_sync']],
        ]


def in_parallel(*steps):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(step) for step in steps]:
            done.result()


@contextlib.contextmanager
def locked(path):
    """Waits until no other process holds this lock. It ends with the process."""
    with open(path, 'w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say('waiting', what='another process that installs OpenStack')
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def digest(*names, also=''):
    """Names what is made from these files by this Python on this machine."""
    content = b''.join((HERE / name).read_bytes() for name in names)
    python = f'{sys.version} {sys.base_prefix} {platform.machine()}'
    return hashlib.sha256(content + python.encode() + also.encode()).hexdigest()[:12]


def mariadb_version():
    return subprocess.run([find('mariadbd'), '--version'], stdout=subprocess.PIPE,
                          text=True, check=True).stdout
