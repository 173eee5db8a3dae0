/**
 * The software on the hosts, for simulated nodes without any. A process with an
 * identity of its own: it watches the pods of the operator's Jobs
 * (`careen.dev/run`), changes the node as the Job would change the host
 * (`careen.dev/action`: the id of a patch, or `reboot`), and ends the pod.
 *
 *     node test/support/hosts/host-standin.ts --kubeconfig F --patches JSON [--work-seconds 0.5] [--boot-delay 1s]
 *
 * It reports its actions in JSON lines and ends when its standard input does.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  ApiException,
  CoreV1Api,
  PatchStrategy,
  makeInformer,
  setHeaderOptions,
} from '@kubernetes/client-node';
import type { KubeConfig, V1Node, V1Pod } from '@kubernetes/client-node';
import { z } from 'zod';
import { connect } from '../controlplane/controlplane.ts';

export const RUN_LABEL = 'careen.dev/run';
export const ACTION_LABEL = 'careen.dev/action';
/** `honest` (default), `lie`, `silent` or `exit-N`; see `playPod`. */
export const BEHAVIOUR_ANNOTATION = 'standin.careen.dev/behaviour';
/** The seconds that each pod works on this host before it acts and ends; the default is that of all hosts. */
export const WORK_SECONDS_ANNOTATION = 'standin.careen.dev/work-seconds';
/** The duration of a reboot of this host, as a Go duration; the default is that of all hosts. */
export const BOOT_DELAY_ANNOTATION = 'standin.careen.dev/boot-delay';
/** The patches on the host's disk that wait for the next boot, as JSON. */
const INSTALLED_ANNOTATION = 'standin.careen.dev/installed';

const FIELD_MANAGER = 'host-standin';
const RETRY_MS = 500;
/** Exit codes for mistakes of a test, different from those that a test requests. */
const UNKNOWN_BEHAVIOUR = 126;
const NO_SUCH_PATCH = 127;
const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
const strategicPatch = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch);

const installedSchema = z.strictObject({
  kernelVersion: z.string().optional(),
  osImage: z.string().optional(),
});
const patchTableSchema = z.record(
  z.string(),
  installedSchema.extend({ kubeletVersion: z.string().optional() }),
);
const seconds = z.coerce.number().min(0);
const behaviourSchema = z.union([
  z.literal(['honest', 'lie', 'silent']),
  z.templateLiteral(['exit-', z.int().min(1).max(255)]),
]);

/** The effects of each patch, by its id: kernel and OS image at the next boot, the kubelet at once. */
export type PatchTable = z.infer<typeof patchTableSchema>;

type Settings = { readonly patches: PatchTable; readonly workSeconds: number; readonly bootDelay: string };
type Work = {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly host: string;
};

class HostStandin {
  readonly #core: CoreV1Api;
  readonly #settings: Settings;
  /** Uids of the pods that were begun, while they exist: none is played twice. */
  readonly #begun = new Set<string>();
  readonly #hostQueues = new Map<string, Promise<void>>();

  constructor(config: KubeConfig, settings: Settings) {
    this.#core = config.makeApiClient(CoreV1Api);
    this.#settings = settings;
    void this.#watchPods(config);
  }

  /** The client's informer ends at the first error that is not an ordinary end: restart it. */
  async #watchPods(config: KubeConfig): Promise<void> {
    const list = () => this.#core.listPodForAllNamespaces({ labelSelector: RUN_LABEL });
    const informer = makeInformer<V1Pod>(config, '/api/v1/pods', list, RUN_LABEL);
    let failure = Promise.withResolvers<unknown>();
    informer.on('add', (pod) => this.#consider(pod));
    informer.on('update', (pod) => this.#consider(pod));
    informer.on('delete', (pod) => this.#begun.delete(pod.metadata?.uid ?? ''));
    informer.on('error', (error) => failure.resolve(error));
    for (;;) {
      failure = Promise.withResolvers<unknown>();
      await informer.start().catch((error: unknown) => failure.resolve(error));
      const early = await Promise.race([failure.promise, Promise.resolve('watching')]);
      if (early === 'watching') report({ event: 'watching' });
      report({ event: 'watch-failed', message: String(await failure.promise) });
      await delay(RETRY_MS);
    }
  }

  #consider(pod: V1Pod): void {
    const { uid, name, namespace, deletionTimestamp, labels } = pod.metadata ?? {};
    const host = pod.spec?.nodeName;
    if (!uid || !name || !namespace || !host || deletionTimestamp) return;
    if (pod.status?.phase !== 'Running' || this.#begun.has(uid)) return;
    this.#begun.add(uid);
    void this.#work({ uid, name, namespace, host }, labels?.[ACTION_LABEL] ?? '', pod);
  }

  /** Plays one pod; repeats a failed action, which is safe because each effect is idempotent. */
  async #work(work: Work, action: string, pod: V1Pod): Promise<void> {
    let restSeconds: number | undefined;
    while (this.#begun.has(work.uid)) {
      try {
        restSeconds ??= await this.#workSeconds(work.host);
        await delay(restSeconds * 1000);
        restSeconds = 0;
        const exitCode = await this.#alone(work.host, () => this.#playPod(work, action));
        if (exitCode !== undefined) await this.#endPod(work, pod, exitCode);
        report({ event: exitCode === undefined ? 'silent' : 'ended', ...work, action, exitCode });
        return;
      } catch (error) {
        report({
          event: 'trouble',
          ...work,
          action,
          message: error instanceof Error ? error.message : String(error),
        });
        if (error instanceof ApiException && error.code === 404) return; // pod or node are gone
        await delay(RETRY_MS);
      }
    }
  }

  async #workSeconds(host: string): Promise<number> {
    const { metadata } = await this.#core.readNode({ name: host });
    const own = metadata?.annotations?.[WORK_SECONDS_ANNOTATION];
    return own === undefined ? this.#settings.workSeconds : seconds.parse(own);
  }

  /** Changes to one host happen one after the other: otherwise two pods would overwrite its installed patches. */
  async #alone<T>(host: string, act: () => Promise<T>): Promise<T> {
    const result = (this.#hostQueues.get(host) ?? Promise.resolve()).then(act);
    this.#hostQueues.set(
      host,
      result.then(
        () => undefined,
        () => undefined,
      ),
    );
    return result;
  }

  /**
   * The effects of the pod on its host; returns its exit code, or undefined when
   * it never ends. A lying host reports success and does nothing; `exit-N` fails
   * the patches but reboots on request.
   */
  async #playPod(work: Work, action: string): Promise<number | undefined> {
    const node = await this.#core.readNode({ name: work.host });
    const annotation = node.metadata?.annotations?.[BEHAVIOUR_ANNOTATION] ?? 'honest';
    const { success, data: behaviour } = behaviourSchema.safeParse(annotation);
    if (!success) return UNKNOWN_BEHAVIOUR;
    if (behaviour === 'silent') return undefined;
    if (behaviour === 'lie') return 0;
    if (action === 'reboot') return this.#reboot(work, node);
    if (behaviour !== 'honest') return Number(behaviour.slice('exit-'.length));
    return this.#install(node, action, work.host);
  }

  async #install(node: V1Node, patchId: string, name: string): Promise<number> {
    const patch = this.#settings.patches[patchId] ?? kernelNamed(patchId);
    if (!patch) return NO_SUCH_PATCH;
    const { kubeletVersion, ...atNextBoot } = patch;
    const installed = JSON.stringify({ ...installedOn(node), ...atNextBoot });
    if (Object.keys(atNextBoot).length > 0) await this.#annotate(name, { [INSTALLED_ANNOTATION]: installed });
    if (kubeletVersion) {
      const body = { status: { nodeInfo: { kubeletVersion } } };
      await this.#core.patchNodeStatus({ name, body, fieldManager: FIELD_MANAGER }, mergePatch);
    }
    return 0;
  }

  /** One patch requests the boot and removes the installed patches from the disk: a crash cannot separate them. */
  async #reboot({ uid, host }: Work, node: V1Node): Promise<number> {
    const { kernelVersion, osImage } = installedOn(node);
    await this.#annotate(host, {
      'testbed.local/boot-id': bootIdOf(uid),
      'testbed.local/boot-delay':
        node.metadata?.annotations?.[BOOT_DELAY_ANNOTATION] ?? this.#settings.bootDelay,
      ...(kernelVersion ? { 'testbed.local/kernel-version': kernelVersion } : {}),
      ...(osImage ? { 'testbed.local/os-image': osImage } : {}),
      [INSTALLED_ANNOTATION]: null,
    });
    return 0;
  }

  async #annotate(name: string, annotations: Readonly<Record<string, string | null>>): Promise<void> {
    await this.#core.patchNode(
      { name, body: { metadata: { annotations } }, fieldManager: FIELD_MANAGER },
      mergePatch,
    );
  }

  async #endPod({ uid, name, namespace }: Work, pod: V1Pod, exitCode: number): Promise<void> {
    const now = new Date().toISOString();
    const reason = exitCode === 0 ? 'Completed' : 'Error';
    const terminated = { exitCode, reason, startedAt: pod.status?.startTime ?? now, finishedAt: now };
    const ended = { ready: false, started: false, restartCount: 0, imageID: '', state: { terminated } };
    const status = {
      phase: exitCode === 0 ? 'Succeeded' : 'Failed',
      conditions: ['ContainersReady', 'Ready'].map((type) => ({
        type,
        status: 'False',
        reason: 'PodCompleted',
        lastTransitionTime: now,
      })),
      containerStatuses:
        pod.spec?.containers.map(({ name, image = '' }) => ({ name, image, ...ended })) ?? [],
    };
    // The uid makes the server refuse a later pod of the same name.
    const body = { metadata: { uid }, status };
    await this.#core.patchNamespacedPodStatus(
      { name, namespace, body, fieldManager: FIELD_MANAGER },
      strategicPatch,
    );
  }
}

/** `kernel-X.Y.Z` needs no row in the table: so that whoever tries the demonstration can take any kernel. */
function kernelNamed(patchId: string): PatchTable[string] | undefined {
  const [, kernelVersion] = /^kernel-(\d+\.\d+\.\d+)$/.exec(patchId) ?? [];
  return kernelVersion === undefined ? undefined : { kernelVersion };
}

function installedOn(node: V1Node): z.infer<typeof installedSchema> {
  return installedSchema.parse(JSON.parse(node.metadata?.annotations?.[INSTALLED_ANNOTATION] ?? '{}'));
}

/** New for every pod, and the same when a pod is played again after a restart: that is no second boot. */
function bootIdOf(podUid: string): string {
  const hex = createHash('sha256').update(podUid).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}

function report(event: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function main(): void {
  const { values } = parseArgs({
    options: {
      kubeconfig: { type: 'string' },
      patches: { type: 'string', default: '{}' },
      'work-seconds': { type: 'string', default: '0.5' },
      'boot-delay': { type: 'string', default: '1s' },
    },
  });
  if (!values.kubeconfig) throw new Error('--kubeconfig FILE is missing');
  new HostStandin(connect(values.kubeconfig), {
    patches: patchTableSchema.parse(JSON.parse(values.patches)),
    workSeconds: seconds.parse(values['work-seconds']),
    bootDelay: values['boot-delay'],
  });
  process.stdin.resume().once('end', () => process.exit(0));
}

if (import.meta.main) main();
