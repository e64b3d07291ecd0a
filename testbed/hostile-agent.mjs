// A host that is not what it should be: sshd runs this for a key with command="…" instead of a shell. It reads what the action
// sends, and answers as the file `behaviour` beside it says. What it was sent goes to the file `heard`. Node's own modules only.
import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import { attack } from './attack.mjs';

const dir = process.argv[2] ?? '.';
const behaviour = readFileSync(`${dir}/behaviour`, 'utf8');

const base64 = (text) => (text ? Buffer.from(text).toString('base64') : '.');
const raw = (text) => {
  const bytes = Buffer.isBuffer(text) ? text : Buffer.from(text);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at, bytes.length - at);
  } catch {
    // Nobody listens any more.
    process.exit(0);
  }
};

/** What a survey tells of a host with nginx and a release. @param {Record<string, string>} known @param {string[]} more */
function facts(mark, [blue], known = {}, more = []) {
  const all = {
    user: 'deploy', uid: '1000', time: '20261122T101500Z', addresses: '10.0.0.5', tools: 'git flock setsid curl awk sed', disk: '9000000 4096 900000', root: 'writable',
    'nginx.command': 'nginx', 'nginx.status': '0', 'nginx.version': 'nginx version: nginx/1.22.1\nconfigure arguments: --prefix=/x', 'nginx.running': 'yes', 'nginx.files': '/etc/nginx.conf\t/etc/nginx.conf\tyes\t1 2',
    'nginx.dump': `# configuration file /etc/nginx.conf:\nevents {}\nhttp {\nupstream shop { server 127.0.0.1:${blue}; }\nserver { listen 80; location / { proxy_pass http://shop; } }\n}\n`,
    commit: 'a'.repeat(40), ...known,
  };
  const lines = Object.entries(all).map(([name, value]) => (value.includes('\n') ? `${name} +\n${value}\n${mark}` : `${name} =${value}`));
  return gzipSync(`${[...lines, ...more].join('\n')}\n`).toString('base64');
}

const long = (text, times) => {
  for (let round = 0; round < times; round++) raw(text);
};
const endlessly = (text) => {
  for (;;) raw(text);
};

/** Each gets what the action asked for; `say` writes a message of the agent. */
const behaviours = {
  'says nothing and ends': () => {},
  'ends by a signal': () => process.kill(process.pid, 'SIGKILL'),
  'talks garbage': () => long(randomBytes(64 * 1024), 20),
  'begins, and talks garbage': ({ say }) => {
    say('begin 1');
    long(randomBytes(64 * 1024), 20);
  },
  'cuts a message off': ({ mark }) => raw(`\n${mark} step-sta`),
  'cuts the end off': ({ say, mark }) => {
    say('begin 1');
    raw(`\n${mark} end success blue 20261122T101500Z-aaaaaaa`);
  },
  'talks without end before the first word': () => endlessly(`${'x'.repeat(60_000)}\n`),
  'talks without end and without lines': () => endlessly('x'.repeat(65_536)),
  'sends a message without end': ({ mark }) => {
    raw(`\n${mark} note notice `);
    endlessly('x'.repeat(65_536));
  },
  'sends facts without end': ({ say, mark }) => {
    say('begin 1', 'step-start survey');
    raw(`\n${mark} facts `);
    endlessly('x'.repeat(65_536));
  },
  'sends facts that are no base64': ({ say }) => say('begin 1', 'step-start survey', 'facts ÿ!!!', 'step-end survey ok 0 1', 'end failed none '),
  'sends facts that are garbage': ({ say }) => say('begin 1', 'step-start survey', `facts ${randomBytes(3000).toString('base64')}`, 'step-end survey ok 0 1', 'end failed none '),
  'sends facts that are empty': ({ say }) => say('begin 1', 'step-start survey', 'facts .', 'step-end survey ok 0 1', 'end failed none '),
  'sends a bomb as facts': ({ say }) => say('begin 1', 'step-start survey', `facts ${gzipSync(Buffer.alloc(200_000_000)).toString('base64')}`, 'step-end survey ok 0 1', 'end failed none '),
  'sends its facts over and over': ({ say, mark, ports }) => {
    say('begin 1', 'step-start survey');
    const line = `\n${mark} facts ${facts(mark, ports)}\n`;
    long(line, 20_000);
    say('end failed none ');
  },
  'says success before anything': ({ say }) => say('end success blue 20261122T101500Z-aaaaaaa'),
  'says success without a plan': ({ say }) => say('begin 1', 'step-start lock', 'step-end lock ok 0 1', 'step-start switch', 'step-end switch ok 0 1', 'end success blue 20261122T101500Z-aaaaaaa'),
  'says that it has looked, of a deploy': ({ say, mark, ports }) => say('begin 1', 'step-start survey', `facts ${facts(mark, ports)}`, 'step-end survey ok 0 1', 'end looked none '),
  'says that there was nothing to do': ({ say, mark, ports }) => say('begin 1', 'step-start survey', `facts ${facts(mark, ports)}`, 'step-end survey ok 0 1', 'end skipped none '),
  'says failed, and success after it': ({ say }) => say('begin 1', 'end failed none ', 'end success blue 20261122T101500Z-aaaaaaa'),
  'ends steps that were not begun': ({ say }) => {
    say('begin 1');
    for (let round = 0; round < 5000; round++) say('step-end switch ok 0 5', 'step-end verify ok 0 5');
    say('end failed none ');
  },
  'begins steps without end': ({ say }) => {
    say('begin 1');
    for (let round = 0; round < 100_000; round++) say(`step-start ${['install', 'clone', 'x'.repeat(30)][round % 3]}`);
    say('end success blue x');
  },
  'names its steps as commands': ({ say }) => say('begin 1', 'step-start ::error::pwned', 'step-start a;b', 'step-start ../x', `step-start ${'x'.repeat(500)}`, 'end failed none '),
  'notes without end': ({ say }) => {
    say('begin 1', 'step-start install');
    for (let round = 0; round < 60_000; round++) say(`note notice ${round} ${'n'.repeat(900)}`);
    for (let round = 0; round < 60; round++) say(`note64 warning ${base64(`${'w'.repeat(600_000)}\n`)}`);
    say('step-end install failed 1 5', 'end failed none ');
  },
  'has problems without end': ({ say }) => {
    say('begin 1', 'step-start install');
    for (let round = 0; round < 300; round++) say(`problem ${base64('w'.repeat(200_000))} ${base64('n'.repeat(200_000))} ${base64('root '.repeat(20_000))} ${base64('d'.repeat(200_000))}`, `log ${base64('l'.repeat(500_000))}`);
    say('step-end install failed 1 5', 'end failed none ');
  },
  'prints in a step, and goes without a word': ({ say }) => {
    say('begin 1', 'step-start install');
    long(`${'o'.repeat(99)}\n`.repeat(600), 1500);
  },
  'complains without end': ({ say }) => {
    say('begin 1');
    for (let round = 0; round < 2000; round++) writeSync(2, 'e'.repeat(30_000));
    process.exitCode = 3;
  },
  'says nothing at all': () => new Promise((resolve) => setTimeout(resolve, 600_000)),

  // With a plan.
  'does as it was told': async ({ say, mark, ports, plan }) => {
    say('begin 1', 'step-start survey', `facts ${facts(mark, ports)}`, 'step-end survey ok 0 1');
    const release = await plan();
    say('step-start switch', 'step-end switch ok 0 5', `end success blue ${release}`);
  },
  'says success and names another release': async ({ say, mark, ports, plan }) => {
    say('begin 1', 'step-start survey', `facts ${facts(mark, ports)}`, 'step-end survey ok 0 1');
    await plan();
    say('step-start switch', 'step-end switch ok 0 5', 'end success blue 20200101T000000Z-bbbbbbb');
  },
  'goes when it has the plan, and its ledger names another run': async (asked) => {
    if (asked.command === 'outcome') return asked.say('begin 1', `ledger ${base64(JSON.stringify({ run: 'another/run', release: '20261122T101500Z-aaaaaaa', liveRelease: '20261122T101500Z-aaaaaaa', outcome: 'success' }))}`, 'end looked blue x');
    asked.say('begin 1', 'step-start survey', `facts ${facts(asked.mark, asked.ports)}`, 'step-end survey ok 0 1');
    await asked.plan();
  },
  'goes when it has the plan, and its ledger names another release': async (asked) => {
    if (asked.command === 'outcome') return asked.say('begin 1', `ledger ${base64(JSON.stringify({ run: asked.run, release: '20200101T000000Z-bbbbbbb', liveRelease: '20200101T000000Z-bbbbbbb', outcome: 'success' }))}`, 'end looked blue x');
    asked.say('begin 1', 'step-start survey', `facts ${facts(asked.mark, asked.ports)}`, 'step-end survey ok 0 1');
    await asked.plan();
  },
  'goes when it has the plan, and then talks without end': async (asked) => {
    if (asked.command === 'outcome') endlessly('y'.repeat(65_536));
    asked.say('begin 1', 'step-start survey', `facts ${facts(asked.mark, asked.ports)}`, 'step-end survey ok 0 1');
    await asked.plan();
  },
  'tells the secrets that it was given': async ({ say, mark, ports, plan, secret }) => {
    say('begin 1', 'step-start survey', `facts ${facts(mark, ports)}`, 'step-end survey ok 0 1');
    await plan();
    const told = base64(secret);
    say('step-start install', `note64 warning ${told}`, `problem ${told} ${told} . ${told}`, `log ${told}`);
    raw(secret);
    say('step-end install failed 1 5', 'end failed none ');
  },
  'attacks with all that it says': (asked) => attacks(asked, { run: attack.replace(/\n/g, ' ') }),
  'attacks, while no other run is under way': (asked) => attacks(asked, {}),
};

async function attacks({ say, mark, ports, plan, command, run }, underWay) {
  if (command === 'outcome') return say('begin 1', `ledger ${base64(JSON.stringify({ run, release: attack, liveRelease: attack, outcome: attack, command: attack, actor: attack }))}`, 'end looked blue x');
  raw(attack);
  const line = attack.replace(/\n/g, ' ');
  const slots = { live: 'slots/green', 'slot.green.release': line, 'slot.green.sha': line, 'slot.green.port': String(ports[1]), 'slot.green.alive': 'yes' };
  const look = { ...underWay, 'port.1': `0 1`, 'port.1.text': line, 'slot.green.commit': `1700000000\n${line}\n${attack}`, 'slot.green.supervisor': line, ledger: JSON.stringify({ run: 'x', command: attack, release: attack, outcome: attack, liveRelease: attack, actor: attack, ended: attack, url: attack, steps: [{ ms: 5 }] }) };
  // The slot that is live has the second port.
  const said = facts(mark, command === 'look' ? [ports[1]] : ports, { user: line, ...(command === 'look' ? { ...slots, ...look } : {}), addresses: line }, [`unfinished =${line}`]);
  say('begin 1', 'step-start survey', `facts ${said}`, 'step-end survey ok 0 1');
  if (command === 'look') return say('end looked green x');
  await plan();
  say('step-start install');
  raw(`${attack}\nno newline here`);
  for (const level of ['notice', 'warning', 'failure']) say(`note ${level} ${line}`, `note64 ${level} ${base64(attack)}`, `note64 ${level} ${base64(`x\r${line}`)}`);
  raw(`no newline here ::error::pwned\r::error::pwned`);
  say(`log ${base64(attack)}`, `problem ${base64(attack)} ${base64(attack)} ${base64(`${attack} install`)} ${base64(attack)}`, 'step-end install failed 1 5', `end failed green ${line}`);
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const asked = {};
for (let line = await lines.next(); !line.done; line = await lines.next()) {
  appendFileSync(`${dir}/heard`, `${line.value}\n`);
  const [word = '', data = ''] = line.value.split(' ');
  if (word === 'request') Object.assign(asked, Object.fromEntries([...Buffer.from(data, 'base64').toString().matchAll(/^(BG_[A-Z_]+)='?(.*?)'?$/gm)].map(([, name, value]) => [name, value])));
  if (word === 'env') asked.secret = Buffer.from(data, 'base64').toString();
  if (word === 'go') break;
}
const plan = async () => {
  const { value = '' } = await lines.next();
  appendFileSync(`${dir}/heard`, `${value}\n`);
  return /BG_RELEASE=([0-9TZa-f-]+)/.exec(Buffer.from(value.split(' ')[1] ?? '', 'base64').toString())?.[1] ?? '';
};
const say = (...said) => raw(said.map((one) => `\n${asked.BG_MARK} ${one}\n`).join(''));
await behaviours[behaviour]({ say, plan, secret: asked.secret, mark: asked.BG_MARK, run: asked.BG_RUN, command: asked.BG_COMMAND, ports: asked.BG_PORTS?.split(' ') ?? [] });
process.exit();
