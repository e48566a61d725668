// RxDB itself, through openapi/client/adapters/rxdb.ts: two phones of one rep and one of a colleague.

import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { createRxDatabase, type RxCollection, type RxDatabase } from 'rxdb/plugins/core';
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory';
import { wrappedValidateAjvStorage } from 'rxdb/plugins/validate-ajv';
import { replicateWaypost, type Doc, type Replication } from '../adapters/rxdb.js';
import { keyOf, recordOf, same, type Kind, type Values } from '../adapters/records.js';
import { newId } from '../ids.js';
import type { Api } from '../link.js';
import { demand, env, good, leave, link, person, push, timed, truth, type Link } from './stage.js';

const text = { type: 'string' };
const object = { type: 'object' };
const FIELDS: Record<string, Record<string, object>> = {
  accounts: { kind: text, name: text, note: text, phone: text, annualRevenue: text, employees: { type: 'integer' }, position: object, custom: object, createdAt: text },
  contacts: { accountId: text, name: text, title: text, email: text },
  opportunities: { accountId: text, name: text, amount: text, currency: text, expectedOn: text, stage: text },
  plans: { accountId: text, plannedOn: text, status: text },
  activities: { accountId: text, kind: text, occurred: text, captured: text, summary: text, planId: text },
  rejected: { recordId: text, problem: text, fields: text },
};
const COLLECTIONS: Record<string, Kind> = {
  accounts: 'account', contacts: 'contact', opportunities: 'opportunity', plans: 'plan', activities: 'activity', rejected: 'rejected_write',
};

class Phone {
  replication!: Replication;

  private constructor(readonly db: RxDatabase, readonly api: Api, readonly link: Link, readonly kinds: Record<string, Kind>) {}

  /** A device with these collections. All of them together stay below the sixteen that the free RxDB opens. */
  static async of(email: string, names: string[]): Promise<Phone> {
    const own = await link();
    const db = await createRxDatabase({ name: newId(), storage: wrappedValidateAjvStorage({ storage: getRxStorageMemory() }), multiInstance: false });
    const schema = (fields: Record<string, object>) => ({ schema: {
      version: 0, primaryKey: 'id', type: 'object', required: ['id'],
      properties: { id: { type: 'string', maxLength: 36 }, revision: { type: 'integer' }, ...fields },
    } });
    await db.addCollections(Object.fromEntries(names.map((name) => [name, schema(FIELDS[name] ?? {})])) as Parameters<RxDatabase['addCollections']>[0]);
    const kinds = Object.fromEntries(names.map((name) => [name, COLLECTIONS[name] as Kind]));
    const phone = new Phone(db, await person(email, own.url), own, kinds);
    await phone.start();
    return phone;
  }

  async start(): Promise<void> {
    this.replication = await replicateWaypost({ database: this.db, api: this.api, collections: this.kinds, retryTime: 100 });
  }

  of(collection: string): RxCollection<Doc> {
    return this.db.collections[collection] as RxCollection<Doc>;
  }

  async create(collection: string, values: Values): Promise<string> {
    const id = newId();
    await this.of(collection).insert({ id, ...values });
    return id;
  }

  async update(collection: string, id: string, values: Values): Promise<void> {
    const doc = await this.of(collection).findOne(id).exec(true);
    await doc.incrementalModify((data) => Object.fromEntries(Object.entries({ ...data, ...values }).filter(([, value]) => value !== null)) as never);
  }

  async remove(collection: string, id: string): Promise<void> {
    await (await this.of(collection).findOne(id).exec(true)).remove();
  }

  async doc(collection: string, id: string): Promise<Doc | undefined> {
    return (await this.of(collection).findOne(id).exec())?.toJSON() as Doc | undefined;
  }

  async docs(collection: string): Promise<Doc[]> {
    return (await this.of(collection).find().exec()).map((doc) => doc.toJSON() as Doc);
  }

  sync(): Promise<void> {
    return this.replication.inSync();
  }

  /** There is no connection while something is done. */
  async offline(work: () => Promise<void>): Promise<void> {
    this.link.down = true;
    await work();
    this.link.down = false;
  }

  /** The replies to pushes are lost until some were. */
  async inVain(times: number): Promise<void> {
    const before = this.link.lost;
    this.link.losing = true;
    while (this.link.lost < before + times) await pause(20);
    this.link.losing = false;
  }

  /** Holds exactly what the server says that it should. */
  async holds(): Promise<number> {
    const right = await truth(this.api, Object.values(this.kinds));
    const held = new Map<string, Doc>();
    for (const [name, kind] of Object.entries(this.kinds)) (await this.docs(name)).forEach((doc) => held.set(keyOf(kind, doc.id), doc));
    assert.deepEqual([...held.keys()].filter((key) => !right.has(key)), [], 'surplus');
    assert.deepEqual([...right.keys()].filter((key) => !held.has(key)), [], 'missing');
    for (const [key, change] of right) {
      const [doc, record] = [held.get(key) as Doc, recordOf(change)];
      const fields = FIELDS[Object.keys(COLLECTIONS).find((name) => COLLECTIONS[name] === change.kind) as string] as object;
      for (const name of ['revision', ...Object.keys(fields)]) {
        assert.ok(same(doc[name], record[name]), `${key} ${name}: ${JSON.stringify(doc[name])} is not ${JSON.stringify(record[name])}`);
      }
    }
    return held.size;
  }
}

let told = 0;
async function story(name: string, tell: () => Promise<void>): Promise<void> {
  await timed(name, tell);
  told += 1;
}

const phone = await Phone.of(env('WAYPOST_REP'), Object.keys(COLLECTIONS));
const tablet = await Phone.of(env('WAYPOST_REP'), ['accounts', 'contacts', 'activities']);
const colleague = await Phone.of(env('WAYPOST_COLLEAGUE'), ['accounts', 'activities']);
const manager = await person(env('WAYPOST_MANAGER'));
const kept = async (of: Phone, id: string, said: RegExp) => (await of.docs('rejected')).some((doc) => doc['recordId'] === id && said.test(String(doc['fields'])));
const clashes: string[] = [];
phone.replication.states.forEach((state) => state.conflict$.subscribe(({ input }) => clashes.push(input.newDocumentState.id)));

await story('the first pull', async () => {
  await Promise.all([phone.sync(), tablet.sync(), colleague.sync()]);
  const held = await phone.holds();
  assert.ok(held >= Number(env('WAYPOST_RECORDS')));
  assert.ok(phone.link.pulls < held / 1000 + 30, `${phone.link.pulls} pulls for six collections`);
});

let account = '';
let contact = '';
await story('written offline, the reply lost, edited again', async () => {
  await phone.offline(async () => {
    account = await phone.create('accounts', { kind: 'business', name: '霍普光通信', annualRevenue: '999999999999.9999', position: { latitude: 31.2304, longitude: 121.4737 }, custom: { shelf: '10', slogan: 'Near', rival: 'Acme' } });
    contact = await phone.create('contacts', { accountId: account, name: 'Lin' });
    const planId = await phone.create('plans', { accountId: account, plannedOn: '2027-12-31' });
    const now = Date.now();
    const [occurred, captured] = [now - 60_000, now - 30_000].map((at) => new Date(at).toISOString());
    await phone.create('activities', { accountId: account, kind: 'visit', occurred, captured, summary: 'Showed the switch', planId });
  });
  await phone.inVain(3);
  await phone.update('contacts', contact, { name: 'Lin Wei', title: 'Buyer' });
  await phone.update('accounts', account, { phone: '+86 21 5555 0100' });
  await phone.inVain(1);
  await phone.update('contacts', contact, { title: 'Head of purchasing' });
  await phone.sync();
  await phone.holds();
  assert.deepEqual([await kept(phone, account, /./), await kept(phone, contact, /./), clashes], [false, false, []], 'its own writes are no conflict');
  assert.equal((await phone.doc('contacts', contact))?.['title'], 'Head of purchasing');
  await tablet.sync();
  await tablet.holds();
});

await story('the same value typed again is another write', async () => {
  for (const title of ['Buyer', 'Head', 'Buyer', 'Head', 'Buyer']) {
    await phone.update('contacts', contact, { title });
    await Promise.all(phone.replication.states.map((state) => state.awaitInSync()));
    assert.equal(good(await phone.api.GET('/v1/contacts/{id}', { params: { path: { id: contact } } })).title, title);
  }
  await phone.sync();
  await phone.holds();
});

await story('two devices: merged, and a clash in one field', async () => {
  await tablet.sync();
  phone.link.down = true;
  await phone.update('accounts', account, { name: 'Hopton', employees: 12, custom: { shelf: '10', slogan: 'Nearer', rival: 'Acme' } });
  await tablet.update('accounts', account, { name: 'Hopton Optics', annualRevenue: null, custom: { shelf: '11.50', slogan: 'Near' } });
  await tablet.sync();
  phone.link.down = false;
  await phone.sync();
  await phone.holds();
  await tablet.sync();
  await tablet.holds();
  const doc = await phone.doc('accounts', account);
  assert.deepEqual([doc?.['name'], doc?.['employees'], doc?.['annualRevenue']], ['Hopton Optics', 12, undefined]);
  assert.deepEqual(doc?.['custom'], { shelf: '11.5', slogan: 'Nearer' }, 'fields of the company’s own merge one by one');
  assert.ok(await kept(phone, account, /"Hopton"/), 'the value that lost is kept');
  assert.deepEqual(clashes.splice(0), [account]);
});

await story('deleted offline, the reply lost', async () => {
  const gone = String((await phone.docs('contacts')).find((doc) => doc.id !== contact)?.id);
  assert.ok(await tablet.doc('contacts', gone));
  await phone.offline(() => phone.remove('contacts', gone));
  await phone.inVain(1);
  await phone.sync();
  await tablet.sync();
  for (const device of [phone, tablet]) await device.holds();
  assert.equal(await tablet.doc('contacts', gone), undefined);
  assert.deepEqual([await kept(phone, gone, /./), clashes], [false, []]);
  await demand(`find-buried ${gone}`);
});

await story('the server’s events bring what others wrote', async () => {
  await tablet.update('contacts', contact, { name: 'Lin Wei, told by an event' });
  for (let waited = 0; (await phone.doc('contacts', contact))?.['name'] !== 'Lin Wei, told by an event'; waited += 1) {
    assert.ok(waited < 200, 'it does not come');
    await pause(50);
  }
});

await story('refused: a record, an edit and a deletion', async () => {
  const [theirs] = await colleague.docs('accounts');
  const stray = await phone.create('contacts', { accountId: theirs?.id ?? newId(), name: 'Nobody' });
  await phone.update('contacts', contact, { email: 'no address' });
  const plan = (await phone.docs('plans')).find((doc) => doc['status'] === 'fulfilled');
  await phone.remove('plans', plan?.id ?? '');
  await phone.sync();
  await phone.holds();
  assert.equal(await phone.doc('contacts', stray), undefined);
  assert.equal((await phone.doc('contacts', contact))?.['email'], undefined);
  assert.ok(await phone.doc('plans', plan?.id ?? ''), 'what could not be deleted is back');
  assert.deepEqual([await kept(phone, stray, /Nobody/), await kept(phone, contact, /no address/)], [true, true]);
  const [one] = (await phone.docs('rejected')).filter((doc) => doc['recordId'] === stray);
  await phone.remove('rejected', one?.id ?? '');
  await phone.sync();
  await phone.holds();
  assert.equal(await kept(phone, stray, /./), false, 'it is dismissed');
});

await story('an account changes hands while its rep is offline', async () => {
  let visit = '';
  await phone.offline(async () => {
    await phone.update('accounts', account, { phone: 'written in a tunnel' });
    const [occurred, captured] = [60_000, 30_000].map((ago) => new Date(Date.now() - ago).toISOString());
    visit = await phone.create('activities', { accountId: account, kind: 'visit', occurred, captured, summary: 'Said goodbye' });
    const [to, from] = [good(await colleague.api.GET('/v1/me')).user.id, good(await tablet.api.GET('/v1/me')).user.id];
    good(await manager.PUT('/v1/accounts/{id}/members/{userId}', { params: { path: { id: account, userId: to } }, body: { role: 'owner' } }));
    await manager.DELETE('/v1/accounts/{id}/members/{userId}', { params: { path: { id: account, userId: from } } });
  });
  await phone.sync();
  await Promise.all([tablet.sync(), colleague.sync()]);
  for (const device of [phone, tablet, colleague]) await device.holds();
  assert.equal(await phone.doc('accounts', account), undefined);
  assert.ok(await kept(phone, account, /written in a tunnel/), 'what was typed is not lost');
  assert.equal((await colleague.doc('accounts', account))?.['name'], 'Hopton Optics');
  assert.equal((await colleague.doc('activities', visit))?.['summary'], 'Said goodbye', 'the visit took place and counts');
});

await story('the app ends between the server’s answer and its disk', async () => {
  const own = await phone.create('accounts', { kind: 'business', name: 'Made before it ended' });
  await phone.inVain(1);
  await phone.replication.stop();
  await phone.update('accounts', own, { name: 'Edited while it did not sync' });
  await phone.start();
  await phone.sync();
  await phone.holds();
  assert.equal(await kept(phone, own, /./), false);
  assert.equal((await phone.doc('accounts', own))?.['name'], 'Edited while it did not sync');
});

await story('all cursors end', async () => {
  const [gone, edited] = (await phone.docs('contacts')).map((doc) => doc.id);
  let made = '';
  await phone.offline(async () => {
    await phone.update('contacts', edited ?? '', { title: 'Typed before' });
    made = await phone.create('accounts', { kind: 'business', name: 'Made before' });
    await push(tablet.api, [{ kind: 'contact', op: 'delete', recordId: gone ?? '' }]);
    await demand('expire');
  });
  await phone.sync();
  await tablet.sync();
  for (const device of [phone, tablet]) await device.holds();
  assert.equal(await phone.doc('contacts', gone ?? ''), undefined);
  assert.equal((await tablet.doc('contacts', edited ?? ''))?.['title'], 'Typed before');
  assert.ok(await tablet.doc('accounts', made));
});

await story('a session that has ended is told once and not tried for ever', async () => {
  const failures: number[] = [];
  phone.replication.failed$.subscribe((refused) => failures.push(refused.problem.status));
  const user = good(await phone.api.GET('/v1/me')).user;
  await demand(`disable ${user.id}`);
  await phone.update('contacts', (await phone.docs('contacts'))[0]?.id ?? '', { title: 'Nobody listens' });
  for (let waited = 0; !failures.length; waited += 1) {
    assert.ok(waited < 200, 'it is never told');
    await pause(50);
  }
  await pause(500);
  const [pushes, pulls] = [phone.link.pushes, phone.link.pulls];
  await pause(500);
  assert.deepEqual([phone.link.pushes, phone.link.pulls], [pushes, pulls]);
  assert.ok(failures.every((status) => status === 401), String(failures));
  await assert.rejects(phone.sync());
});

console.log(`${told} stories held on RxDB`);
leave();
