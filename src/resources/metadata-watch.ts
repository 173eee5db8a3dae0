import type { WatchedVersions } from '../kube/versioned-reader.ts';

/** A watch of our objects: the latest one of each key (`keyOf`) that it has shown, and its connection. */
export type MetadataWatch = Pick<WatchedVersions, 'connection'> & {
  get(
    key: string,
  ): { readonly metadata?: { readonly uid?: string; readonly resourceVersion?: string } } | undefined;
};

/** The versions that a watch has shown, by the paths of the objects. */
export function versionsOf(watch: MetadataWatch, keyOfPath: (path: string) => string): WatchedVersions {
  return {
    get connection() {
      return watch.connection;
    },
    version: (path) => {
      const { uid, resourceVersion } = watch.get(keyOfPath(path))?.metadata ?? {};
      return uid === undefined || resourceVersion === undefined ? undefined : { uid, resourceVersion };
    },
  };
}
