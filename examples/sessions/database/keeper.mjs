/**
 * The keeper of a database with replicas: it answers for them when hosts are maintained. Plain Node.js 24, one file.
 *
 *   node keeper.mjs          takes notifications at POST /maintenance, and the reports of replicas at PUT /replicas/NAME
 *   node keeper.mjs replica  stands in for a replica: it reports to the keeper, and has the role that the keeper answers
 *
 * What it promises: it agrees to move the primary only after another replica has taken over, and it agrees to nothing
 * that would leave more than one replica away.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

const {
  PORT = '8080',
  /** The file with the key of the signatures: that of the Secret which the MaintenanceWebhook names. */
  SECRET_FILE = '/etc/careen-webhook/secret',
  /** How many replicas the database has, and when a silent one counts as away. */
  REPLICAS = '3',
  SILENT_MS = '5000',
  /** How long before its deadline a question is refused that could not be answered. */
  REFUSE_BEFORE_MS = '5000',
  KUBERNETES_API = 'https://kubernetes.default.svc',
  NAMESPACE = 'default',
} = process.env;

/** A notification that was signed longer ago may have been recorded and sent again by somebody else. */
const OLDEST_SIGNATURE_SECONDS = 300;
const LARGEST_BODY = 1_048_576;

// ---- The replicas ----

/** By name: { id, role, seenAt }. The id is the uid of the pod: another one means that the replica was replaced. */
const replicas = new Map();
/** The name of the replica that is to be the primary. */
let primary;
/** By name: the id of a replica that may leave its host. It is away until it has left and reports again. */
const leaving = new Map();
/** Those that the keeper has yet to remove itself (OWN_ACTION). */
const toRemove = new Set();

function report(name, { id, role }) {
  replicas.set(name, { id, role, seenAt: Date.now() });
  if (leaving.has(name) && leaving.get(name) !== id) leaving.delete(name);
  // After a start the keeper does not know who is the primary: it hears it, or there is none.
  if (role === 'primary') primary ??= name;
  if (replicas.size >= Number(REPLICAS)) primary ??= name;
  answerOpenQuestions();
  return { role: primary === undefined ? role : name === primary ? 'primary' : 'standby' };
}

/** It counts again when it reports from where it is now. */
function hasLeft(name) {
  leaving.delete(name);
  replicas.get(name).seenAt = 0;
}

function isHere(name) {
  const replica = replicas.get(name);
  return replica !== undefined && Date.now() - replica.seenAt < Number(SILENT_MS) && !leaving.has(name);
}

/**
 * Moves the role of the primary away from these replicas. Your database has its own command for this, such as Patroni's
 * POST /switchover. Returns whether it is done.
 */
function switchOver(asked) {
  if (asked.includes(primary)) {
    const next = [...replicas.keys()].find((name) => isHere(name) && !asked.includes(name));
    if (next === undefined) return false;
    console.log(`switch-over from ${primary} to ${next}`);
    primary = next;
  }
  const others = [...replicas].filter(([name]) => name !== primary);
  return replicas.get(primary)?.role === 'primary' && others.every(([, { role }]) => role !== 'primary');
}

// ---- The answers ----

/** By the id of the event: what was answered. The same event may come again. */
const answered = new Map();
/** By the id of the event: questions that cannot be answered yet. */
const open = new Map();

/** The answer to a question; undefined while there is none. */
function decide({ state, instance_ids: ids }) {
  if (state !== 'PREPARE_MAINTENANCE' && state !== 'PLANNED_MAINTENANCE') return { state: `ACK_${state}` };
  const asked = [...replicas].filter(([, { id }]) => ids.includes(id)).map(([name]) => name);
  const others = [...replicas.keys()].filter((name) => !asked.includes(name));
  if (asked.length > 0) {
    if (asked.length + others.length < Number(REPLICAS) || !others.every(isHere)) return undefined;
    if (!switchOver(asked)) return undefined;
  }
  // One replica leaves now. Further ones on the same host leave when it is back: the keeper removes them itself.
  const [first, ...later] = asked;
  const own = later.map((name) => replicas.get(name).id);
  if (first !== undefined) leaving.set(first, replicas.get(first).id);
  for (const name of later) toRemove.add(name);
  const actions = ids.map((id) => [id, own.includes(id) ? 'OWN_ACTION' : 'MIGRATE']);
  return { state: `ACK_${state}`, instance_actions: Object.fromEntries(actions) };
}

function answerTo(event) {
  const { id, data } = event;
  const known = answered.get(id);
  if (known) return known;
  const due = Date.parse(data.reply_at ?? '') - Number(REFUSE_BEFORE_MS);
  // Rather no maintenance than a database that has lost its primary.
  const answer = decide(data) ?? (Date.now() >= due ? { state: `NACK_${data.state}` } : undefined);
  if (answer) answered.set(id, answer);
  return answer;
}

function answerOpenQuestions() {
  for (const [id, event] of open) {
    const answer = answerTo(event);
    if (!answer) continue;
    open.delete(id);
    void put(event.data.reply_url, answer);
  }
  for (const name of toRemove) {
    if (![...replicas.keys()].every(isHere) || !switchOver([name])) return;
    toRemove.delete(name);
    leaving.set(name, replicas.get(name).id);
    void removePod(name);
  }
}
setInterval(answerOpenQuestions, 1000).unref();

/** Answers a notification: [status, body, headers]. */
function notified(event) {
  const { type, data } = event;
  if (type !== 'dev.careen.maintenance.scheduled') return [204];
  if (data.state === 'INSTANCE_ACTION_DONE') {
    for (const [name, id] of leaving) if (data.instance_ids.includes(id)) hasLeft(name);
    return [204];
  }
  const answer = answerTo(event);
  console.log(`${data.state} about ${data.instance_ids.join(', ')}: ${JSON.stringify(answer ?? 'not yet')}`);
  if (answer) return [200, answer];
  // Without an address for answers, Careen is to ask again.
  if (!data.reply_url) return [503, { message: 'not yet' }, { 'Retry-After': '5' }];
  open.set(event.id, event);
  return [202];
}

/** Whether the header is the signature of this body, made lately by who knows the key. */
function isSigned(header, body) {
  const parts = new Map((header ?? '').split(',').map((part) => part.split('=', 2)));
  const seconds = Number(parts.get('t'));
  if (!(Math.abs(Date.now() / 1000 - seconds) <= OLDEST_SIGNATURE_SECONDS)) return false;
  // Read each time: a Secret that is rotated needs no restart.
  const right = createHmac('sha256', readFileSync(SECRET_FILE))
    .update(`${parts.get('t')}.`)
    .update(body)
    .digest();
  const given = Buffer.from(parts.get('v1') ?? '', 'hex');
  return given.length === right.length && timingSafeEqual(given, right);
}

// ---- HTTP ----

async function put(url, answer) {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      const response = await fetch(url, {
        method: 'PUT',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(answer),
      });
      console.log(`answered ${answer.state}: ${response.status} ${await response.text()}`);
      if (response.status < 500) return;
    } catch (error) {
      console.log(`could not answer: ${error.message}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Its controller makes another pod, on a host that is open. */
async function removePod(name) {
  console.log(`removes ${name}`);
  const account = '/var/run/secrets/kubernetes.io/serviceaccount';
  const url = new URL(`/api/v1/namespaces/${NAMESPACE}/pods/${name}`, KUBERNETES_API);
  const isTls = url.protocol === 'https:';
  const keys = isTls
    ? {
        ca: readFileSync(`${account}/ca.crt`),
        headers: { Authorization: `Bearer ${readFileSync(`${account}/token`)}` },
      }
    : {};
  const request = (isTls ? httpsRequest : httpRequest)(url, { method: 'DELETE', ...keys }, (response) => {
    response.resume();
    console.log(`removed ${name}: ${response.statusCode}`);
    if (response.statusCode >= 300 && response.statusCode !== 404) retry();
  });
  const retry = () => {
    leaving.delete(name);
    toRemove.add(name);
  };
  request.on('error', retry);
  request.end();
}

async function bodyOf(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > LARGEST_BODY) throw new Error('the body is too large');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

async function handle(request, body) {
  const [, room, name] = request.url.split('/');
  if (request.method === 'POST' && room === 'maintenance')
    return isSigned(request.headers['careen-signature'], body)
      ? notified(JSON.parse(body))
      : [401, { message: 'the signature is wrong or old' }];
  if (request.method === 'PUT' && room === 'replicas' && name) return [200, report(name, JSON.parse(body))];
  if (request.method === 'GET' && room === 'replicas')
    return [200, [...replicas].map(([each, { id, role }]) => ({ name: each, id, role, here: isHere(each) }))];
  return [404, { message: 'there is nothing here' }];
}

function keeper() {
  const server = createServer(async (request, response) => {
    const [status, body, headers] = await bodyOf(request)
      .then((body) => handle(request, body))
      .catch((error) => [400, { message: error.message }]);
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  });
  server.listen(Number(PORT), () => console.log(`listening on ${server.address().port}`));
}

/** A stand-in for a replica of the database. Yours reports from a script beside it. */
async function replica() {
  const { KEEPER_URL, POD_NAME, POD_UID, REPORT_MS = '1000' } = process.env;
  let role = 'standby';
  for (;;) {
    try {
      const body = JSON.stringify({ id: POD_UID, role });
      const response = await fetch(`${KEEPER_URL}/replicas/${POD_NAME}`, { method: 'PUT', body });
      ({ role } = await response.json());
    } catch (error) {
      console.log(`the keeper does not answer: ${error.message}`);
    }
    await new Promise((resolve) => setTimeout(resolve, Number(REPORT_MS)));
  }
}

process.on('SIGTERM', () => process.exit(0));
if (process.argv[2] === 'replica') await replica();
else keeper();
