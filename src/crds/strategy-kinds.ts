/** The kinds of strategies. A further kind is a row here. */
import type { z } from 'zod';
import type { CrdDefinition } from './schema/custom-resource-definition.ts';
import { maintenanceSessionDefinition } from './maintenance-session.ts';
import { MAINTENANCE_SESSION, PATCH_STRATEGY, UPGRADE_STRATEGY } from './names.ts';
import { maintenanceSessionSpec } from './spec/maintenance-session-spec.ts';
import { patchStrategySpec } from './spec/patch-strategy-spec.ts';
import { patchStrategyDefinition } from './patch-strategy.ts';
import { specOfPatches, specOfSession, specOfUpgrade, type StrategySpec } from './spec/strategy-spec.ts';
import { upgradeStrategySpec } from './spec/upgrade-strategy-spec.ts';
import { upgradeStrategyDefinition } from './upgrade-strategy.ts';

export const STRATEGY_KIND_NAMES = [PATCH_STRATEGY, UPGRADE_STRATEGY, MAINTENANCE_SESSION] as const;
export type StrategyKindName = (typeof STRATEGY_KIND_NAMES)[number];

export type StrategyKind = {
  readonly definition: CrdDefinition;
  /** Reads the `spec` of an object into the form that all kinds share. */
  readonly readSpec: z.ZodType<StrategySpec>;
};

export const STRATEGY_KINDS: Readonly<Record<StrategyKindName, StrategyKind>> = {
  PatchStrategy: {
    definition: patchStrategyDefinition,
    readSpec: patchStrategySpec.transform(specOfPatches),
  },
  UpgradeStrategy: {
    definition: upgradeStrategyDefinition,
    readSpec: upgradeStrategySpec.transform(specOfUpgrade),
  },
  MaintenanceSession: {
    definition: maintenanceSessionDefinition,
    readSpec: maintenanceSessionSpec.transform(specOfSession),
  },
};

export function isStrategyKind(kind: string): kind is StrategyKindName {
  return Object.hasOwn(STRATEGY_KINDS, kind);
}
