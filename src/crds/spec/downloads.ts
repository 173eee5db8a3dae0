/** The files that a session gives to its actions, and what a pool allows of them. */
import { z } from 'zod';
import { seconds, text } from '../schema/schema.ts';

/** The most bytes of all downloads of a session: they are stored in the cluster. */
export const MOST_DOWNLOADED_BYTES = 16 * 1024 * 1024;

const HOST =
  /^(([*][.])?[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*|[0-9a-f:]*:[0-9a-f:.]*)$/;
const sizeBytes = seconds(1, MOST_DOWNLOADED_BYTES);

const download = z
  .object({
    name: text(63)
      .regex(
        /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/,
        'expected letters, digits, "-", "_" and ".", a letter or digit at both ends',
      )
      .describe('The name of the file, unique in the session.'),
    url: text(2048)
      .regex(
        /^https:\/\/[^\s/?#@\\]+(\/[^\s#\\]*)?$/,
        'expected an https address without a user, such as https://downloads.example.com/firmware.bin',
      )
      .describe('Where it is fetched, once, by the operator. The pool must allow the host.'),
    sha256: z
      .string()
      .length(64)
      .regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits in lower case, as sha256sum prints them')
      .describe('The SHA-256 of the file. Another content fails the session before anything is touched.'),
    maxBytes: sizeBytes
      .optional()
      .describe('The most bytes that it may have. Left out: what the pool allows.'),
  })
  .describe('One file.');
export type Download = z.infer<typeof download>;

export const downloads = z
  .array(download)
  .max(16)
  .default([])
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
  .describe(
    'Files for the actions. They are fetched and checked before the first project is told, stored in ConfigMaps of the ' +
      'session, and mounted read-only in /careen/downloads of each container. They are removed with the session. Nothing ' +
      'in them is run or loaded by Careen itself.',
  );

export const downloadPolicy = z
  .object({
    hosts: z
      .array(
        text(253).regex(
          HOST,
          'expected a host name in lower case, such as downloads.example.com, the names below one, such as ' +
            '*.example.com, or an IP address',
        ),
      )
      .min(1)
      .max(64)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'The hosts from which sessions may download, by https. *.example.com stands for every name below example.com. ' +
          'Redirects lead only to these, too. Loopback and link-local addresses are refused, also when a name resolves to ' +
          'one, unless the address itself is in this list.',
      ),
    maxBytes: sizeBytes
      .default(1024 * 1024)
      .describe('The most bytes of all downloads of one session together. They are stored in etcd.'),
  })
  .describe('The downloads that sessions may have. Left out: none.');
export type DownloadPolicy = z.infer<typeof downloadPolicy>;
