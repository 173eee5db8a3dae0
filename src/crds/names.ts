/**
 * Every name that Careen writes into objects of others, in one place. On a node
 * or a Job, these names are ours and no others.
 */
export const GROUP = 'careen.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/** The kind of the objects that patch hosts. */
export const PATCH_STRATEGY = 'PatchStrategy';

/** The kind of the objects that upgrade hosts to a release. */
export const UPGRADE_STRATEGY = 'UpgradeStrategy';

/** The kind of the objects that maintain hosts in agreement with those whose work runs on them. */
export const MAINTENANCE_SESSION = 'MaintenanceSession';

/** The kind of the objects by which a project is asked, and answers. */
export const MAINTENANCE_NOTICE = 'MaintenanceNotice';

/** The kinds of the objects by which tenants say how their instances may be moved. */
export const INSTANCE_CONSTRAINT = 'InstanceConstraint';
export const INSTANCE_GROUP_CONSTRAINT = 'InstanceGroupConstraint';

/** The kind of the objects that hold parts of a large plan. */
export const PLAN_STAGE = 'PlanStage';

/** The kind of the objects that say where tenants are told of maintenance. */
export const MAINTENANCE_WEBHOOK = 'MaintenanceWebhook';

/** The namespace of the operator itself. Host Jobs, which may be privileged, never run there. */
export const OPERATOR_NAMESPACE = 'careen-system';
/** The Deployment of the operator in that namespace, as deploy/ and the chart name it. */
export const DEPLOYMENT_NAME = 'careen';
/** The Lease in that namespace by which the replicas agree on a leader. */
export const LEASE_NAME = 'careen';
/** The namespace for host Jobs. The installation makes it. */
export const HOSTS_NAMESPACE = 'careen-hosts';

/** The pool that the installation makes. A strategy uses it when it names no pool. */
export const DEFAULT_POOL = 'default';

/** Annotation on a node, or on the Lease of another host: the claim, as JSON: the owner of the outage, the state to restore. */
export const CLAIM_ANNOTATION = `${GROUP}/claim`;
/** Annotation on a node that no run may release any more: why it was left locked, and by whom. */
export const LEFT_LOCKED_ANNOTATION = `${GROUP}/left-locked`;
/** Taint on a closed node. It keeps new pods away even when somebody uncordons the node. */
export const MAINTENANCE_TAINT = `${GROUP}/maintenance`;
/** Finalizer on a strategy: its open hosts are released before it is deleted. */
export const RELEASE_FINALIZER = `${GROUP}/release-hosts`;

/**
 * Key in `status.run.actions`, which keeps unknown fields in every version of the kind: the status as it was before the
 * API server began to drop fields of it.
 */
export const KEPT_STATUS = 'keptStatus';

/** Annotation on a strategy: a request, which is answered once; see request.ts. */
export const REQUEST_ANNOTATION = `${GROUP}/request`;
/** Annotation on a strategy: the request of an abort. No other request can overwrite it. */
export const ABORT_ANNOTATION = `${GROUP}/abort`;
/** Annotation on a strategy: the uid of the object whose requests were seen. Without a status, they count as carried out. */
export const SEEN_ANNOTATION = `${GROUP}/seen`;
/** Annotation on a strategy: no pool's `retention` removes it, unless the value is `false`. */
export const KEEP_ANNOTATION = `${GROUP}/keep`;

/** Label on a Job, its pod and a PlanStage: the run's id. */
export const RUN_LABEL = `${GROUP}/run`;
/** Label on a PlanStage: the uid of its strategy. */
export const STRATEGY_UID_LABEL = `${GROUP}/strategy-uid`;
/** Label on a MaintenanceNotice: the uid of its session. */
export const SESSION_UID_LABEL = `${GROUP}/session-uid`;
/** Label on a MaintenanceNotice: the id of its project. */
export const PROJECT_LABEL = `${GROUP}/project`;
/** Label on a Job and its pod: the patch's id, or `reboot`. */
export const ACTION_LABEL = `${GROUP}/action`;
/** Label on a Job: its name. Several Jobs are removed by it with one request. */
export const JOB_LABEL = `${GROUP}/job`;
/** Variable of the containers of a Job of a session: the metadata of its action, as JSON. */
export const ACTION_METADATA_VARIABLE = 'CAREEN_ACTION_METADATA';
/** Annotation on a Job, its pod and a Lease of a host: the host, whose name may be too long for a label. */
export const HOST_ANNOTATION = `${GROUP}/host`;
/** Label on a Lease that holds the claim of a host which is no node. */
export const HOST_CLAIM_LABEL = `${GROUP}/host-claim`;
/** Annotation on such a Lease: the uid of the host. */
export const HOST_UID_ANNOTATION = `${GROUP}/host-uid`;
/** Annotation on such a Lease: the cloud of the host. */
export const CLOUD_ANNOTATION = `${GROUP}/cloud`;
/** Annotation on a Job: the whole effect key. The name of the Job has its digest. */
export const EFFECT_ANNOTATION = `${GROUP}/effect`;
/** Annotation on a Job: the deadline in seconds that its start gave it. A suspended Job with it was stopped by others. */
export const STARTED_ANNOTATION = `${GROUP}/started`;
/** Annotation on a Job: the epoch of the leader that wrote it last. A write that expects an older one is refused. */
export const EPOCH_ANNOTATION = `${GROUP}/epoch`;

/** The key of a download, or of a part of it, in its ConfigMap. */
export const DOWNLOAD_KEY = 'content';
