/**
 * The operator's rights, compared with its requests in the test run that this
 * suite ends: it lacked none, and none is superfluous.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { auditLines, forbiddenUses, usedRights } from '../support/audit/audit.ts';
import { installation } from '../support/controlplane/installation.ts';
import { OPERATOR_ACCOUNT } from '../support/operator/operator.ts';
import { covers, describeRight, grantedRights, type Right } from '../support/audit/rights.ts';

const folder = process.env['CAREEN_AUDIT_DIR'];
const complete = process.env['CAREEN_AUDIT_COMPLETE'] !== undefined;

let granted: readonly Right[];
let lines: readonly string[];
beforeAll(async () => {
  granted = grantedRights(await installation(), OPERATOR_ACCOUNT);
  lines = folder ? await auditLines(folder) : [];
});

describe('the rights that deploy/ grants the operator', () => {
  it('change Jobs and Leases only in prepared namespaces', () => {
    const inAll = granted.filter(({ namespace }) => namespace === undefined).map(describeRight);
    expect(inAll.filter((right) => /leases|jobs (create|patch|delete)/.test(right))).toEqual([]);
  });

  it('include none on Secrets, and none to remove pods or nodes past the Eviction API', () => {
    const rights = granted.map(describeRight);
    expect(rights.filter((right) => /secrets|(pods|nodes) (update|delete)/.test(right))).toEqual([]);
  });

  it('were enough: none of its requests in this test run was forbidden', () => {
    const lacked = forbiddenUses(lines).filter(({ right }) => !isGranted(right));
    expect(lacked.map(({ message }) => message)).toEqual([]);
  });

  it('were all used in this test run', ({ skip }) => {
    skip(!complete, 'only a run of all suites without a failure uses all of them');
    const used = usedRights(lines);
    const spare = granted.filter((right) => !used.some((use) => covers(inNamespaceOf(use, right), use)));
    expect(spare.map(describeRight)).toEqual([]);
  });
});

/**
 * Whether the installation grants the right, perhaps in another namespace: in this one a test granted it, and the grant
 * was deleted with the namespace. A granted use may still be refused by an API server that was just restarted and had
 * not read the roles yet.
 */
function isGranted(use: Right): boolean {
  return granted.some((right) => covers(inNamespaceOf(use, right), use));
}

/** A right granted namespace by namespace, moved to the namespace of a use; any other right unchanged. */
function inNamespaceOf(use: Right, right: Right): Right {
  const { namespace } = use;
  return right.namespace === undefined || namespace === undefined ? right : { ...right, namespace };
}
