"""What the testbed needs of the system: packages of Debian, installed by root."""

import importlib.util
import os
import subprocess
import sys

from programs import find, say


def install_packages():
    """Installs what is missing, if this is root on a system with apt; else ends with
    what is to be done."""
    missing = missing_packages()
    if not missing:
        return
    command = ['apt-get', 'install', '--yes', '--no-install-recommends', *missing]
    if os.getuid() != 0 or not find('apt-get'):
        sys.exit(f'the OpenStack testbed needs {", ".join(missing)} (the names of the '
                 f'packages in Debian): as root, {" ".join(command)}')
    say('installing', what=', '.join(missing))
    # The installation itself says what is missing.
    apt('apt-get', 'update', '--quiet=2')
    installed = apt(*command, '--quiet=2', '-o', 'DPkg::Lock::Timeout=300')
    if missing_packages():
        sys.exit(f'{" ".join(command)}: failed:\n{installed.stdout[-4000:]}')


def missing_packages():
    missing = []
    if not makes_environments():
        missing.append('python3-venv')
    if not find('mariadbd'):
        missing.append('mariadb-server-core')
    if not find('my_print_defaults'):
        missing.append('mariadb-client-core')
    return missing


def makes_environments():
    """Whether Python can make virtual environments: Debian has the modules for that in a
    package of their own."""
    importlib.invalidate_caches()
    return bool(importlib.util.find_spec('venv') and importlib.util.find_spec('ensurepip'))


def apt(*command):
    """Runs apt to its end even when this process dies: half an installation would have
    to be mended by hand."""
    return subprocess.run(
        command, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
        env={**os.environ, 'DEBIAN_FRONTEND': 'noninteractive'})
