/** The downloads of a session in the Jobs of its actions. */
import { DOWNLOAD_KEY } from '../../crds/names.ts';
import type { StoredDownload } from '../../crds/observed/session-progress.ts';
import type { JobAction } from '../../crds/spec/host-action.ts';
import { listIn, withInEachContainer } from '../../crds/spec/pod-additions.ts';

const VOLUME = 'careen-downloads';
const FOLDER = '/careen/downloads';

/**
 * The Job of an action with the downloads in each of its containers, read-only. A file in several parts is there as NAME.00,
 * NAME.01 and so on: `cat NAME.*` is the file.
 */
export function withDownloads(job: JobAction, downloads: readonly StoredDownload[] = []): JobAction {
  if (downloads.length === 0) return job;
  const sources = downloads.flatMap(({ name, objects }) =>
    objects.map((object, part) => ({
      configMap: {
        name: object,
        items: [{ key: DOWNLOAD_KEY, path: objects.length > 1 ? partName(name, part) : name }],
      },
    })),
  );
  const { spec, ...template } = job.template;
  const mount = { name: VOLUME, mountPath: FOLDER, readOnly: true };
  const mounted = {
    ...withInEachContainer(spec, 'volumeMounts', [mount]),
    volumes: [...listIn(spec['volumes']), { name: VOLUME, projected: { sources } }],
  };
  return { ...job, template: { ...template, spec: mounted } };
}

function partName(name: string, part: number): string {
  return `${name}.${String(part).padStart(2, '0')}`;
}
