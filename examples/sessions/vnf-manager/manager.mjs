/**
 * The manager of an application whose instances are alike, in the form of Fenix: it receives event alarms, reads which
 * instances are meant by their link, and answers by PUT. Plain Node.js 24, one file.
 *
 * It scales in by running a command of yours: `SCALE_COMMAND in ID...` removes these instances, `SCALE_COMMAND out COUNT`
 * adds so many.
 */
import { execFile } from 'node:child_process';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { promisify } from 'node:util';

const {
  PORT = '8080',
  /** Verifies the signature, where the MaintenanceWebhook names a Secret. */
  SECRET_FILE,
  /** The only project that it answers for. */
  PROJECT = '',
  SCALE_COMMAND = '/app/scale',
  /** How many instances it gives up in one round, and how many it keeps in any case. */
  GIVES_UP = '1',
  KEEPS = '2',
  /** How instances move: MIGRATE, LIVE_MIGRATE or OWN_ACTION. */
  ACTION = 'MIGRATE',
  RETRY_MS = '2000',
} = process.env;

const run = promisify(execFile);
const OLDEST_SIGNATURE_SECONDS = 300;

/** The instances that were given up in this session, so that as many are added at its end. */
let givenUp = 0;
/** What was done for a notification, by its id: it may come again. */
const done = new Map();

/** The traits of an event alarm. Lists and objects are JSON in a text. */
function payloadOf({ reason_data: { event } }) {
  if (event.event_type !== 'maintenance.scheduled')
    throw new Error(`${event.event_type} is not for a manager`);
  return Object.fromEntries(
    event.traits.map(([name, , value]) => [name, /^[[{]/.test(value) ? JSON.parse(value) : value]),
  );
}

/** They come as a link, because a trait is short; one instance comes as a list. */
async function instancesOf({ instance_ids: ids }) {
  if (Array.isArray(ids)) return ids;
  const response = await fetch(ids);
  if (!response.ok) throw new Error(`no instances: ${response.status} ${await response.text()}`);
  return (await response.json()).instance_ids;
}

/** The answer to a notification; undefined where none is expected. */
async function answerTo(payload) {
  const { state, session_id } = payload;
  const ack = { session_id, state: `ACK_${state}` };
  switch (state) {
    case 'MAINTENANCE':
      givenUp = 0;
      return ack;
    case 'SCALE_IN':
      await scaleIn(await instancesOf(payload));
      return ack;
    case 'PREPARE_MAINTENANCE':
    case 'PLANNED_MAINTENANCE': {
      const ids = await instancesOf(payload);
      if (Array.isArray(payload.instance_ids)) return { ...ack, instance_action: ACTION };
      return { ...ack, instance_actions: Object.fromEntries(ids.map((id) => [id, ACTION])) };
    }
    case 'MAINTENANCE_COMPLETE':
      if (givenUp > 0) await run(SCALE_COMMAND, ['out', String(givenUp)]);
      givenUp = 0;
      return ack;
    default:
      return undefined;
  }
}

async function scaleIn(ids) {
  const spare = Math.max(0, ids.length - Number(KEEPS));
  const removed = ids.slice(ids.length - Math.min(spare, Number(GIVES_UP)));
  if (removed.length === 0) return;
  await run(SCALE_COMMAND, ['in', ...removed]);
  givenUp += removed.length;
}

/** Answers by PUT, again while Careen cannot be reached. */
async function put(url, answer) {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      const response = await fetch(url, {
        method: 'PUT',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(answer),
      });
      console.log(`${answer.state}: ${response.status} ${await response.text()}`);
      if (response.status < 500) return;
    } catch (error) {
      console.log(`${answer.state}: ${error.message}`);
    }
    await new Promise((resolve) => setTimeout(resolve, Number(RETRY_MS)));
  }
}

/** Each notification is worked on once; the answer to one that comes again is sent again. */
async function work(id, payload) {
  if (!done.has(id)) done.set(id, answerTo(payload));
  try {
    const answer = await done.get(id);
    if (answer) await put(payload.reply_url, answer);
  } catch (error) {
    console.log(`${payload.state}: ${error.message}`);
    done.delete(id);
  }
}

function isSigned(header, body) {
  if (SECRET_FILE === undefined) return true;
  const parts = new Map((header ?? '').split(',').map((part) => part.split('=', 2)));
  if (!(Math.abs(Date.now() / 1000 - Number(parts.get('t'))) <= OLDEST_SIGNATURE_SECONDS)) return false;
  const right = createHmac('sha256', readFileSync(SECRET_FILE))
    .update(`${parts.get('t')}.`)
    .update(body)
    .digest();
  const given = Buffer.from(parts.get('v1') ?? '', 'hex');
  return given.length === right.length && timingSafeEqual(given, right);
}

/** The status to answer with. The work goes on after it: scaling takes longer than Careen waits. */
function received(request, body) {
  if (request.method !== 'POST' || request.url !== '/maintenance') return 404;
  if (!isSigned(request.headers['careen-signature'], body)) return 401;
  try {
    const alarm = JSON.parse(body);
    const payload = payloadOf(alarm);
    if (payload.project_id !== PROJECT) return 422;
    void work(alarm.reason_data.event.message_id, payload);
    return 200;
  } catch (error) {
    console.log(error.message);
    return 400;
  }
}

const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => response.writeHead(received(request, Buffer.concat(parts))).end());
});
server.listen(Number(PORT), () => console.log(`listening on ${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
