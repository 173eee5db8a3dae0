"""Nova in one process: its API, conductor, scheduler and several compute hosts.

The services are Nova's own; they talk over oslo.messaging's in-process driver
and share one database. Only the hypervisor is simulated, by a small extension
of Nova's fake driver (TestbedDriver).

usage: nova_all.py PORT HOST...   (OS_NOVA_CONFIG_DIR: folder with nova.conf)

Standard input takes commands, one a line: `power-off HOST` silences a compute
service as if its host had lost power, `power-on HOST` starts it again.
Standard output has a line for each: `done` or `error`, the command and a message,
with tabs between them.
"""

from nova import monkey_patch; monkey_patch.patch(backend='threading')  # noqa: E702

import os
import queue
import sys
import threading
import time
import uuid

import os_vif
import waitress
from nova import context
from nova import exception
from nova import objects
from nova import service
from nova.api.openstack import wsgi_app
from nova.compute import power_state
from nova.compute import rpcapi as compute_rpcapi
from nova.conductor import rpcapi as conductor_rpcapi
from nova.scheduler import rpcapi as scheduler_rpcapi
from nova.virt import fake
from nova.virt import node

import loopback
import tokens


HOST_WITH_SHARES = 'compute-0'


class TestbedDriver(fake.FakeDriver):
    """A simulated hypervisor whose migrations a test can slow down or fail.

    Server metadata steers it:
      testbed:live-migration-seconds, testbed:cold-migration-seconds: how long
      testbed:live-migration, testbed:cold-migration: "fail" to make it fail
      testbed:share: the id of a share of Manila, which is not here, that it has
    A live migration can be aborted and forced to complete through the API.
    """

    vcpus = 64
    memory_mb = 256 * 1024
    local_gb = 4096

    def __init__(self, virtapi, read_only=False):
        super().__init__(virtapi, read_only)
        self.migrations = {}
        self.booted = time.monotonic()

    def init_host(self, host):
        super().init_host(host)
        # As of libvirt, few hosts have the memory of their guests in files.
        self.capabilities = {**self.capabilities,
                             'supports_mem_backing_file': host == HOST_WITH_SHARES}
        # A hypervisor keeps its guests while nova-compute is down.
        admin = context.get_admin_context()
        for instance in objects.InstanceList.get_by_host(admin, host):
            self.spawn(admin, instance, None, None, None, None,
                       power_on=instance.power_state == power_state.RUNNING)

    def spawn(self, context, instance, *args, **kwargs):
        super().spawn(context, instance, *args, **kwargs)
        share = instance.metadata.get('testbed:share')
        if share and not objects.ShareMappingList.get_by_instance_uuid(
                context, instance.uuid):
            attach(context, instance, share)

    def get_available_resource(self, nodename):
        return {**super().get_available_resource(nodename),
                'uuid': node_uuid(nodename)}

    def get_nodenames_by_uuid(self, refresh=False):
        return {node_uuid(name): name for name in self.get_available_nodes()}

    def get_host_uptime(self):
        minutes = int(time.monotonic() - self.booted) // 60
        return (f'{time.strftime("%H:%M:%S")} up {minutes} min,  0 users,'
                '  load average: 0.00, 0.00, 0.00')

    def live_migration(self, context, instance, dest, post_method,
                       recover_method, block_migration=False,
                       migrate_data=None):
        verdicts = self.migrations[instance.uuid] = queue.Queue()
        try:
            verdict = verdicts.get(timeout=seconds_of(instance, 'live-migration'))
        except queue.Empty:
            verdict = instance.metadata.get('testbed:live-migration')
        finally:
            del self.migrations[instance.uuid]
        if verdict == 'abort':
            recover_method(context, instance, dest, migrate_data,
                           migration_status='cancelled')
        elif verdict == 'fail':
            recover_method(context, instance, dest, migrate_data)
        elif verdict != 'lost':
            post_method(context, instance, dest, block_migration, migrate_data)

    def lose_power(self):
        """Ends all live migrations without a word to anybody."""
        for verdicts in list(self.migrations.values()):
            verdicts.put('lost')

    def live_migration_abort(self, instance):
        self.migrations[instance.uuid].put('abort')

    def live_migration_force_complete(self, instance):
        self.migrations[instance.uuid].put('complete')

    def post_live_migration(self, context, instance, block_device_info,
                            migrate_data=None):
        self.destroy(context, instance, network_info=None,
                     block_device_info=block_device_info)

    def migrate_disk_and_power_off(self, context, instance, *args, **kwargs):
        time.sleep(seconds_of(instance, 'cold-migration'))
        if instance.metadata.get('testbed:cold-migration') == 'fail':
            raise exception.MigrationError(reason='the test asked for it')


def attach(context, instance, share):
    """Records a share of a server, as Nova does once Manila has exported it."""
    objects.ShareMapping(
        context, uuid=str(uuid.uuid4()), instance_uuid=instance.uuid,
        share_id=share, status='active', tag=share, share_proto='NFS',
        export_location=f'192.0.2.1:/{share}').create()


def node_uuid(name):
    """The same at every start, unlike that of Nova's fake driver."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def seconds_of(instance, operation):
    # A queue's timeout must be positive for it to return what it holds.
    return float(instance.metadata.get(f'testbed:{operation}-seconds', 0.01))


def start(binary, topic, host, **kwargs):
    started = service.Service.create(
        binary=binary, topic=topic, host=host, **kwargs)
    started.start()
    return started


def start_compute(host):
    return start('nova-compute', compute_rpcapi.RPC_TOPIC, host,
                 topic_alt=compute_rpcapi.RPC_TOPIC_ALT)


def cut_off(compute):
    """Silences a compute service, as a loss of power does.

    Its own stop() would also close the thread pools that all services share.
    """
    for server in (compute.rpcserver, compute.rpcserver_alt):
        server.stop()
        server.wait()
    compute.tg.stop()
    compute.manager.driver.lose_power()


def map_new_hosts():
    """Does what `nova-manage cell_v2 discover_hosts` does."""
    admin = context.get_admin_context()
    objects.host_mapping.discover_hosts(admin)


def keep_stdout():
    """Returns standard output and sends what others print to standard error."""
    kept = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    return kept


def main():
    out = keep_stdout()
    port, hosts = sys.argv[1], sys.argv[2:]
    sys.argv[1:] = []  # Nova parses what is left
    tokens.allow_short_ones()
    application = wsgi_app.init_application('osapi_compute', 'nova-api')
    objects.Service.enable_min_version_cache()
    os_vif.initialize()
    fake.TestbedDriver = TestbedDriver  # Nova loads drivers from nova.virt only
    # A restarted nova-compute insists on this file, though here it is the driver
    # that tells the identity of each host.
    node.get_local_node_uuid()

    start('nova-conductor', conductor_rpcapi.RPC_TOPIC, 'controller')
    start('nova-scheduler', scheduler_rpcapi.RPC_TOPIC, 'controller')
    computes = {host: start_compute(host) for host in hosts}
    map_new_hosts()

    threading.Thread(
        target=waitress.serve, args=(application,), daemon=True,
        kwargs={'sockets': [loopback.bind(int(port))], 'threads': 16}).start()

    for line in sys.stdin:
        try:
            carry_out(line.split(), hosts, computes)
            event, message = 'done', ''
        except Exception as error:
            event, message = 'error', ' '.join(str(error).split())
        print(event, line.strip(), message, sep='\t', file=out, flush=True)


def carry_out(words, hosts, computes):
    """Carries out a command; `computes` has the hosts with power and their services."""
    match words:
        case ['power-off', host] if host in computes:
            cut_off(computes.pop(host))
        case ['power-on', host] if host in hosts and host not in computes:
            computes[host] = start_compute(host)
        case [_, host] if host in hosts:
            raise ValueError(f'{host} is {"on" if host in computes else "off"} already')
        case _:
            raise ValueError(f'that is none of the hosts {", ".join(hosts)}')


if __name__ == '__main__':
    main()
