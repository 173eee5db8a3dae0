import { z } from 'zod';
import { drain, onForeignUncordon } from './drain.ts';
import { execution } from './execution.ts';
import { hostAction, job } from './host-action.ts';
import { DEFAULT_POOL } from '../names.ts';
import { factName, requirement } from './requirement.ts';
import { objectName, rules, text } from '../schema/schema.ts';
import {
  applyTypes,
  defaultInstanceAction,
  NOT_ALL_IGNORED,
  ofVim,
  profile,
  vimParallel,
} from './strategy-fields.ts';
import { upgradeTiming } from './timing.ts';
import { DRAIN_NEEDS } from '../vocabulary.ts';

const release = z
  .object({
    version: text(128)
      .meta(
        rules({
          rule: "self.matches('^v?[0-9]+([^0-9A-Za-z]|$)')",
          message: 'must be a version that begins with a number that stands by itself, such as v1.36.2',
        }),
      )
      .describe('The version that every host is to have, such as v1.36.2.'),
    fact: factName
      .default('nodeInfo.kubeletVersion')
      .describe(
        'The fact of a host that holds the version which it has: nodeInfo.FIELD of a node, hypervisor.FIELD of a ' +
          'compute host of OpenStack, or labels.KEY of the host. Left out: nodeInfo.kubeletVersion. Compute hosts do not ' +
          'have that: without another fact each run upgrades each of them once.',
      ),
  })
  .describe(
    'The target release. A host with this version is left as it is. A higher version on a host that the strategy is ' +
      'about fails the build: no host is moved to a lower one.',
  );

const hostUpgrade = z
  .object({
    action: hostAction.describe(
      'The action that upgrades a host. It never reboots the host: spec.reboot does.',
    ),
    rebootRequired: z
      .boolean()
      .default(false)
      .describe('Whether the release takes effect only after a reboot. spec.reboot says how.'),
    drain: z
      .enum(DRAIN_NEEDS)
      .default('always')
      .describe(
        'always: hosts are locked and drained. ifRebootRequired: only if rebootRequired is true; without a reboot ' +
          'they are upgraded in place. never: their pods stay; for a reboot the hosts are locked, without one they ' +
          'are upgraded in place.',
      ),
    stage: z
      .object({
        job,
        staged: z
          .array(requirement)
          .min(1)
          .max(16)
          .optional()
          .meta({ 'x-kubernetes-list-type': 'atomic' })
          .describe(
            'A host that meets all these requirements is staged already. Without them, the Job runs on each host that ' +
              'is to be upgraded, and its success counts.',
          ),
      })
      .optional()
      .describe(
        'What a host gets before the upgrade, while it works: images, packages, an image in its inactive slot. All ' +
          'hosts are staged before the first one is locked.',
      ),
    rollback: z
      .object({ job })
      .optional()
      .describe(
        'The action that brings a host back to the release that it had before, for a plan with spec.rollback: true. It ' +
          'never reboots the host: spec.reboot does, where rebootRequired is true.',
      ),
  })
  .describe('How the hosts of a role are upgraded.');

/** The most hosts of one run that may fail to be staged. */
export const MOST_UNSTAGED = 100;

/** A hook: one Job on one host, or work of a person. */
const hook = hostAction.optional();

export const upgradeStrategySpec = z
  .object({
    poolRef: objectName().default(DEFAULT_POOL).describe('The HostPool whose hosts are upgraded.'),
    profile,
    release,
    hosts: z
      .object({
        controller: hostUpgrade.optional(),
        storage: hostUpgrade.optional(),
        worker: hostUpgrade.optional(),
      })
      .meta(
        rules({
          rule: 'has(self.controller) || has(self.storage) || has(self.worker)',
          message: 'must say for at least one of controller, storage and worker how its hosts are upgraded',
        }),
      )
      .describe(
        'How hosts are upgraded, by role. A host with several roles is upgraded as a controller before all, and as a ' +
          'storage host before a worker.',
      ),
    reboot: z
      .object({ job })
      .optional()
      .describe(
        'The action that reboots a host, where rebootRequired is true. The boot id of the node shows whether the host ' +
          'has rebooted, not the result of the Job.',
      ),
    start: hook.describe(
      'A Job before the first host is upgraded, after all are staged. It runs on one controller of the pool, or on its ' +
        'first host. It must be safe to repeat.',
    ),
    activate: hook.describe(
      'A Job after the last stage of hosts. It waits while hosts that the run left out lack the release, unless requests ' +
        'skip them. It runs where that of start does, and must be safe to repeat.',
    ),
    complete: hook.describe('A Job after activate, such as a clean-up. It must be safe to repeat.'),
    rollback: z
      .boolean()
      .default(false)
      .describe(
        'Whether hosts that have the release are brought back to the one before, in the opposite order, by rollback of ' +
          'their role. It is refused after activate or complete has begun.',
      ),
    ...applyTypes,
    maxParallelStagedHosts: z
      .int()
      .min(1)
      .max(100)
      .default(10)
      .describe('How many hosts are staged at once. They stay in service.'),
    maxUnstagedHosts: z
      .int()
      .min(0)
      .max(MOST_UNSTAGED)
      .default(0)
      .describe(
        'How many hosts may fail to be staged. They are left out of the run, and staged again by the next plan. One ' +
          'more fails the run, before any host is locked. So does a controller, since the rest of the upgrade builds on ' +
          'it, and the last host that is to be upgraded.',
      ),
    defaultInstanceAction,
    drain,
    timing: upgradeTiming,
    onForeignUncordon,
    execution,
  })
  .meta(
    rules(
      ...(['controller', 'storage', 'worker'] as const).map((role) => ({
        rule: `!has(self.hosts.${role}) || !has(self.hosts.${role}.rebootRequired) || !self.hosts.${role}.rebootRequired || has(self.reboot)`,
        message: `spec.reboot must say how to reboot a host, because spec.hosts.${role} has rebootRequired: true`,
        fieldPath: '.reboot' as const,
      })),
      NOT_ALL_IGNORED,
      {
        rule: "self.profile != 'vim-2024'",
        message: 'must be vim-2020 or careen: the VIM of 2024 has no upgrade of this form',
        fieldPath: '.profile',
      },
      vimParallel(10),
      ofVim('!has(self.start)', 'start must be left out: an upgrade of the VIM was started before', '.start'),
      ofVim('!self.rollback', 'rollback must be false: the VIM brings no host back', '.rollback'),
      ofVim(
        "self.defaultInstanceAction == 'migrate'",
        'defaultInstanceAction must be migrate: the VIM stops no instance for an upgrade',
        '.defaultInstanceAction',
      ),
      ofVim(
        (['controller', 'storage', 'worker'] as const)
          .map((role) => `(!has(self.hosts.${role}) || !has(self.hosts.${role}.stage))`)
          .join(' && '),
        'hosts must have no stage: the VIM stages no host before its upgrade',
        '.hosts',
      ),
    ),
  )
  .describe('The target release, how hosts get it, their order, and whether to carry out the plan.');
export type UpgradeStrategySpec = z.infer<typeof upgradeStrategySpec>;
