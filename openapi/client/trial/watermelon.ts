// WatermelonDB itself, through openapi/client/adapters/watermelon.ts: two phones of one rep and one of a colleague.

import assert from 'node:assert/strict';
import { appSchema, Database, Model, tableSchema, Q, type ColumnSchema } from '@nozbe/watermelondb';
import lokijs from '@nozbe/watermelondb/adapters/lokijs/index.js';
import { addColumns, createTable, schemaMigrations } from '@nozbe/watermelondb/Schema/migrations/index.js';
import { hasUnsyncedChanges } from '@nozbe/watermelondb/sync/index.js';
import { setGenerator } from '@nozbe/watermelondb/utils/common/randomId/index.js';
import log from '@nozbe/watermelondb/utils/common/logger/index.js';
import { createRequire } from 'node:module';
import { syncWaypost } from '../adapters/watermelon.js';
import { camel, keyOf, recordOf, same, type Kind, type Values } from '../adapters/records.js';
import { newId } from '../ids.js';
import type { Api } from '../link.js';
import { demand, env, good, leave, link, person, push, timed, truth, type Link } from './stage.js';

/** WatermelonDB's memory in Node: a disk that can be copied. */
interface Disk { hashStore: Record<string, { savecount: number; lastsave: Date; value: string }> }
const { LokiMemoryAdapter } = createRequire(import.meta.url)('lokijs') as { LokiMemoryAdapter: new () => Disk };

setGenerator(newId);
log.default.silence();
const complaints: unknown[] = [];
log.default.error = (...told: unknown[]) => void complaints.push(told);

const text = (name: string): ColumnSchema => ({ name, type: 'string', isOptional: true });
const number = (name: string): ColumnSchema => ({ name, type: 'number', isOptional: true });
const COLUMNS: Record<string, ColumnSchema[]> = {
  accounts: [text('kind'), text('name'), text('note'), text('phone'), text('annual_revenue'), number('employees'), text('position'), number('revision'), { name: 'created_at', type: 'number' }, { name: 'updated_at', type: 'number' }, { name: 'is_starred', type: 'boolean' }],
  contacts: [text('account_id'), text('name'), text('title'), text('email'), number('revision')],
  opportunities: [text('account_id'), text('name'), text('amount'), text('currency'), text('expected_on'), text('stage'), text('lost_reason'), number('revision')],
  plans: [text('account_id'), text('planned_on'), text('status'), text('cancel_reason'), number('revision')],
  activities: [text('account_id'), text('kind'), number('occurred'), number('captured'), text('summary'), text('check_in'), text('plan_id'), number('revision')],
  rejected_writes: [text('record_id'), text('record_kind'), text('problem'), text('fields'), number('revision')],
};
const TABLES: Record<string, Kind> = {
  accounts: 'account', contacts: 'contact', opportunities: 'opportunity', plans: 'plan', activities: 'activity', rejected_writes: 'rejected_write',
};
const classes = Object.fromEntries(Object.keys(COLUMNS).map((table) => [table, class extends Model { static override table = table; }]));

/** Version 1 of the app knows neither the note of an account nor opportunities. */
function database(home: object, version: 1 | 2): Database {
  const tables = Object.entries(COLUMNS).filter(([name]) => version === 2 || name !== 'opportunities');
  const columns = ([name, all]: [string, ColumnSchema[]]) => all.filter((column) => version === 2 || name !== 'accounts' || column.name !== 'note');
  const migrations = schemaMigrations({ migrations: [{ toVersion: 2, steps: [
    addColumns({ table: 'accounts', columns: [text('note')] }),
    createTable({ name: 'opportunities', columns: COLUMNS['opportunities'] ?? [] }),
  ] }] });
  const schema = appSchema({ version, tables: tables.map((one) => tableSchema({ name: one[0], columns: columns(one) })) });
  const shared = { schema, useWebWorker: false, useIncrementalIndexedDB: false, dbName: 'phone', _testLokiAdapter: home, extraLokiOptions: { autosave: false } };
  const adapter = new lokijs.default({ ...shared, ...(version === 2 ? { migrations } : {}) } as ConstructorParameters<typeof lokijs.default>[0]);
  return new Database({ adapter, modelClasses: tables.map(([name]) => classes[name] as typeof Model) });
}

class Phone {
  /** What Loki has on its disk. */
  home = new LokiMemoryAdapter();
  version: 1 | 2 = 2;
  db: Database;

  private constructor(readonly api: Api, readonly link: Link, version: 1 | 2) {
    this.version = version;
    this.db = database(this.home, version);
  }

  static async of(email: string, version: 1 | 2 = 2): Promise<Phone> {
    const own = await link();
    return new Phone(await person(email, own.url), own, version);
  }

  sync(): Promise<void> {
    const tables = Object.fromEntries(Object.entries(TABLES).filter(([table]) => this.db.schema.tables[table]));
    const migrationsEnabledAtVersion = this.version === 2 && this.migrated ? { migrationsEnabledAtVersion: 1 } : {};
    return syncWaypost({ database: this.db, api: this.api, tables, local: { accounts: ['is_starred'] }, ...migrationsEnabledAtVersion });
  }
  migrated = false;

  /** Syncs while the replies to its pushes get lost. */
  async syncInVain(): Promise<void> {
    const before = this.link.lost;
    this.link.losing = true;
    await this.sync().catch(() => undefined);
    this.link.losing = false;
    assert.ok(this.link.lost > before);
  }

  async create(table: string, values: Values): Promise<string> {
    const made = await this.db.write(() => this.db.get(table).create((row) => set(row, values)));
    return made.id;
  }

  async update(table: string, id: string, values: Values): Promise<void> {
    const row = await this.db.get(table).find(id);
    await this.db.write(() => row.update(() => set(row, values)));
  }

  async remove(table: string, id: string): Promise<void> {
    const row = await this.db.get(table).find(id);
    await this.db.write(() => row.markAsDeleted());
  }

  async row(table: string, id: string): Promise<Values | undefined> {
    const [row] = await this.db.get(table).query(Q.where('id', id)).fetch();
    return row?._raw as Values | undefined;
  }

  async rows(table: string): Promise<Values[]> {
    return (await this.db.get(table).query().fetch()).map((row) => row._raw as unknown as Values);
  }

  /** What is on its disk. */
  async saved(): Promise<string> {
    const loki = (this.db.adapter.underlyingAdapter as unknown as { _driver: { loki: { saveDatabase(done: (error?: Error) => void): void } } })._driver.loki;
    await new Promise<void>((done, fail) => loki.saveDatabase((error) => (error ? fail(error) : done())));
    return this.home.hashStore['phone']?.value as string;
  }

  /** The process dies, and the app starts again with what is on the disk. */
  restart(disk: string, version = this.version): void {
    this.home = new LokiMemoryAdapter();
    this.home.hashStore['phone'] = { savecount: 1, lastsave: new Date(), value: disk };
    this.version = version;
    this.db = database(this.home, version);
  }

  /** Holds exactly what the server says that it should, and owes it nothing. */
  async holds(): Promise<number> {
    assert.equal(await hasUnsyncedChanges({ database: this.db }), false, 'something waits');
    const right = await truth(this.api, Object.entries(TABLES).filter(([table]) => this.db.schema.tables[table]).map(([, kind]) => kind));
    const held = new Map<string, Values>();
    for (const table of Object.keys(this.db.schema.tables)) {
      (await this.rows(table)).forEach((row) => held.set(keyOf(TABLES[table] as Kind, String(row['id'])), row));
    }
    assert.deepEqual([...held.keys()].filter((key) => !right.has(key)), [], 'surplus');
    assert.deepEqual([...right.keys()].filter((key) => !held.has(key)), [], 'missing');
    for (const [key, change] of right) {
      const [row, record] = [held.get(key) as Values, recordOf(change)];
      for (const name of Object.keys(row).filter((column) => !['id', '_status', '_changed', 'is_starred'].includes(column))) {
        const value = record[camel(name)] ?? null;
        const kept = typeof row[name] === 'number' && typeof value === 'string' ? new Date(row[name] as number).toISOString() : row[name];
        assert.ok(same(kept, typeof value === 'object' && value ? JSON.stringify(value) : value), `${key} ${name}: ${kept} is not ${JSON.stringify(value)}`);
      }
    }
    return held.size;
  }
}

function set(row: Model, values: Values): void {
  for (const [name, value] of Object.entries(values)) row._setRaw(name, value as string);
}

const tally: string[] = [];
async function story(name: string, tell: () => Promise<void>): Promise<void> {
  await timed(name, tell);
  tally.push(name);
}

const [phone, tablet, colleague] = [await Phone.of(env('WAYPOST_REP'), 1), await Phone.of(env('WAYPOST_REP')), await Phone.of(env('WAYPOST_COLLEAGUE'))];
const manager = await person(env('WAYPOST_MANAGER'));
const rejected = async (of: Phone, id: string) => (await of.rows('rejected_writes')).filter((row) => row['record_id'] === id);

const kept = async (of: Phone, id: string, said: RegExp) => (await rejected(of, id)).some((row) => said.test(String(row['fields'])));

await story('the first pull', async () => {
  await Promise.all([phone.sync(), tablet.sync(), colleague.sync()]);
  assert.ok((await phone.holds()) >= Number(env('WAYPOST_RECORDS')));
});

let account = '';
let contact = '';
await story('written offline, the reply lost, edited again', async () => {
  account = await phone.create('accounts', { kind: 'business', name: '霍普光通信', annual_revenue: '999999999999.9999', position: '{"latitude":31.2304,"longitude":121.4737}', is_starred: true });
  contact = await phone.create('contacts', { account_id: account, name: 'Lin' });
  const plan = await phone.create('plans', { account_id: account, planned_on: '2027-12-31' });
  const now = Date.now();
  await phone.create('activities', { account_id: account, kind: 'visit', occurred: now - 60_000, captured: now - 30_000, summary: 'Showed the switch', plan_id: plan });
  await phone.syncInVain();
  await phone.update('contacts', contact, { name: 'Lin Wei', title: 'Buyer' });
  await phone.update('accounts', account, { phone: '+86 21 5555 0100' });
  await phone.syncInVain();
  await phone.update('contacts', contact, { title: 'Head of purchasing' });
  await phone.sync();
  await phone.holds();
  assert.equal((await rejected(phone, contact)).length + (await rejected(phone, account)).length, 0, 'its own writes are no conflict');
  assert.equal((await phone.row('contacts', contact))?.['title'], 'Head of purchasing');
  assert.equal((await phone.row('accounts', account))?.['is_starred'], true, 'what is the app’s own stays');
  await tablet.sync();
  await tablet.holds();
  assert.equal((await tablet.row('accounts', account))?.['annual_revenue'], '999999999999.9999');
  const pushes = phone.link.pushes;
  await phone.sync();
  assert.equal(phone.link.pushes, pushes, 'nothing is left to push');
});

await story('the same value typed again is another write', async () => {
  for (const title of ['Buyer', 'Head of purchasing', 'Buyer', 'Head of purchasing', 'Buyer']) {
    await phone.update('contacts', contact, { title });
    await phone.sync();
    assert.equal(good(await phone.api.GET('/v1/contacts/{id}', { params: { path: { id: contact } } })).title, title);
    await phone.update('contacts', contact, { title: 'On the way' });
    await phone.syncInVain();
  }
  await phone.sync();
  await phone.holds();
});

await story('two devices: merged, and a clash in one field', async () => {
  await tablet.sync();
  await phone.update('accounts', account, { name: 'Hopton', employees: 12 });
  await tablet.update('accounts', account, { name: 'Hopton Optics', annual_revenue: null });
  await tablet.sync();
  await phone.sync();
  await Promise.all([phone.holds(), tablet.sync()]);
  await tablet.holds();
  const row = await phone.row('accounts', account);
  assert.deepEqual([row?.['name'], row?.['employees'], row?.['annual_revenue']], ['Hopton Optics', 12, null]);
  assert.ok(await kept(phone, account, /"Hopton"/), 'the value that lost is kept');
});

await story('deleted offline, the reply lost', async () => {
  const gone = String((await phone.rows('contacts')).find((row) => row['id'] !== contact)?.['id']);
  assert.ok(await tablet.row('contacts', gone));
  await phone.remove('contacts', gone);
  await phone.syncInVain();
  await phone.sync();
  await tablet.sync();
  for (const device of [phone, tablet]) await device.holds();
  assert.equal(await tablet.row('contacts', gone), undefined);
  assert.equal((await rejected(phone, gone)).length, 0);
  await demand(`find-buried ${gone}`);
});

await story('refused: a record, an edit and a deletion', async () => {
  const [theirs] = (await colleague.rows('accounts')).map((row) => String(row['id']));
  const stray = await phone.create('contacts', { account_id: theirs ?? newId(), name: 'Nobody' });
  await phone.update('contacts', contact, { email: 'no address' });
  const [plan] = (await phone.rows('plans')).filter((row) => row['status'] === 'fulfilled');
  await phone.remove('plans', String(plan?.['id']));
  await phone.sync();
  await phone.holds();
  assert.equal(await phone.row('contacts', stray), undefined);
  assert.equal((await phone.row('contacts', contact))?.['email'], null);
  assert.ok(await phone.row('plans', String(plan?.['id'])), 'what could not be deleted is back');
  for (const [id, said] of [[stray, /Nobody/], [contact, /no address/]] as const) assert.ok(await kept(phone, id, said));
  const [one] = await rejected(phone, stray);
  await phone.remove('rejected_writes', String(one?.['id']));
  await phone.sync();
  await phone.holds();
  assert.equal((await rejected(phone, stray)).length, 0, 'it is dismissed');
});

await story('an account changes hands while its rep is offline', async () => {
  await phone.update('accounts', account, { phone: 'written in a tunnel' });
  const now = Date.now();
  const visit = await phone.create('activities', { account_id: account, kind: 'visit', occurred: now - 60_000, captured: now - 30_000, summary: 'Said goodbye' });
  const path = { id: account, userId: good(await colleague.api.GET('/v1/me')).user.id };
  good(await manager.PUT('/v1/accounts/{id}/members/{userId}', { params: { path }, body: { role: 'owner' } }));
  const owner = good(await phone.api.GET('/v1/me')).user.id;
  await manager.DELETE('/v1/accounts/{id}/members/{userId}', { params: { path: { id: account, userId: owner } } });
  await phone.sync();
  await Promise.all([tablet.sync(), colleague.sync()]);
  for (const device of [phone, tablet, colleague]) await device.holds();
  assert.equal(await phone.row('accounts', account), undefined);
  assert.ok(await kept(phone, account, /written in a tunnel/), 'what was typed is not lost');
  assert.equal((await colleague.row('accounts', account))?.['name'], 'Hopton Optics');
  assert.equal((await colleague.row('activities', visit))?.['summary'], 'Said goodbye', 'the visit took place and counts');
});

await story('the process dies between the server’s answer and its disk', async () => {
  const disk = await phone.saved();
  const made = await phone.create('accounts', { kind: 'business', name: 'Made before it died' });
  const before = await phone.saved();
  await phone.sync();
  phone.restart(before); // Knows nothing of the sync.
  await phone.sync();
  await phone.holds();
  assert.equal((await rejected(phone, made)).length, 0);
  phone.restart(disk); // Knows nothing of the record.
  await phone.sync();
  await phone.holds();
  assert.ok(await phone.row('accounts', made));
});

await story('the app learns of a column and of a table', async () => {
  const [row] = await phone.rows('accounts');
  const recordId = String(row?.['id']);
  const opportunity = newId();
  await push(await person(env('WAYPOST_REP')), [
    { kind: 'account', op: 'update', recordId, account: { note: 'Beyond the old app' } },
    { kind: 'opportunity', op: 'create', recordId: opportunity, opportunity: { accountId: recordId, name: 'Switches', amount: '123456789012.3456', currency: 'CNY' } },
  ]);
  await phone.sync();
  phone.restart(await phone.saved(), 2);
  phone.migrated = true;
  await phone.sync();
  await phone.holds();
  assert.equal((await phone.row('accounts', recordId))?.['note'], 'Beyond the old app');
  await phone.update('opportunities', opportunity, { stage: 'pre_sale', name: 'Switches and cables' });
  await phone.sync();
  await phone.holds();
  const sold = await phone.row('opportunities', opportunity);
  assert.deepEqual([sold?.['stage'], sold?.['amount'], sold?.['name']], ['pre_sale', '123456789012.3456', 'Switches and cables']);
});

await story('a push that fails holds no pull back, and no pull destroys what was not pushed', async () => {
  const own = await tablet.create('accounts', { kind: 'business', name: 'Soon a colleague’s' });
  await tablet.sync();
  await phone.sync();
  await phone.update('accounts', own, { phone: 'typed and not sent' });
  const [to, from] = [good(await colleague.api.GET('/v1/me')).user.id, good(await tablet.api.GET('/v1/me')).user.id];
  good(await manager.PUT('/v1/accounts/{id}/members/{userId}', { params: { path: { id: own, userId: to } }, body: { role: 'owner' } }));
  await manager.DELETE('/v1/accounts/{id}/members/{userId}', { params: { path: { id: own, userId: from } } });
  const other = await tablet.create('accounts', { kind: 'business', name: 'Written elsewhere' });
  await tablet.sync();
  phone.link.deaf = true;
  await assert.rejects(phone.sync());
  phone.link.deaf = false;
  assert.ok(await phone.row('accounts', other), 'it pulled');
  assert.equal((await phone.row('accounts', own))?.['phone'], 'typed and not sent');
  await phone.sync();
  await phone.holds();
  assert.ok(await kept(phone, own, /typed and not sent/));
});

await story('all cursors end', async () => {
  const [gone, edited] = (await phone.rows('contacts')).map((row) => String(row['id']));
  await phone.update('contacts', String(edited), { title: 'Typed before' });
  const made = await phone.create('accounts', { kind: 'business', name: 'Made before' });
  await push(phone.api, [{ kind: 'contact', op: 'delete', recordId: String(gone) }]);
  await demand('expire');
  await phone.sync();
  await tablet.sync();
  for (const device of [phone, tablet]) await device.holds();
  assert.equal(await phone.row('contacts', String(gone)), undefined);
  assert.equal((await tablet.row('contacts', String(edited)))?.['title'], 'Typed before');
  assert.ok(await tablet.row('accounts', made));
});

await story('what a column cannot hold without loss stops the sync and is named', async () => {
  const record = JSON.parse(`{"id":"${newId()}","employees":9007199254740993}`) as Values; // 2^53 + 1
  const change = { kind: 'account', id: record['id'], revision: 1, deleted: false, account: record };
  const api = { GET: async () => ({ data: { changes: [change], cursor: 'none', head: 1, hasMore: false } }) } as unknown as Api;
  const db = database(new LokiMemoryAdapter(), 2);
  await assert.rejects(syncWaypost({ database: db, api, tables: { accounts: 'account' } }), /accounts\.employees: .* above 2\^53/);
  assert.equal(await db.get('accounts').query().fetchCount(), 0);
});

assert.deepEqual(complaints, [], 'WatermelonDB has nothing to complain of');
console.log(`${tally.length} stories held on WatermelonDB`);
leave();
