// What of a record a device may write, and how a changed record becomes mutations. Both adapters rest on it.

import type { components } from '../generated/schema.js';

type Schemas = components['schemas'];
export type Kind = Schemas['Kind'];
export type Change = Schemas['SyncChange'];
export type Mutation = Schemas['Mutation'];
export type Clocks = Schemas['ClockReading'];
/** A record, or a part of one, by the names of the wire. */
export type Values = Record<string, unknown>;

/** A mutation without an id. */
export type Draft = Omit<Mutation, 'mutationId'> & Values;

/** How a field looks in a database that knows only texts, numbers and flags. */
type Form = 'value' | 'time' | 'object';

interface Written {
  account: Schemas['AccountFields'];
  contact: Schemas['ContactFields'];
  opportunity: Schemas['OpportunityFields'];
  lead: Schemas['LeadFields'];
  plan: Schemas['PlanFields'];
  activity: Schemas['ActivityFields'];
  appeal: Schemas['AppealFields'];
}

/** Every field that can be set. The compiler refuses a field that the document does not have, and one that is missing here. */
const FIELDS: { [K in keyof Written]: Record<keyof Written[K], Form> } = {
  account: {
    kind: 'value', name: 'value', creditCode: 'value', industry: 'value', employees: 'value', annualRevenue: 'value',
    foundedYear: 'value', website: 'value', phone: 'value', email: 'value', address: 'object', position: 'object',
    tier: 'value', note: 'value', parentId: 'value', ownerId: 'value', externalId: 'value', custom: 'object',
  },
  contact: {
    accountId: 'value', name: 'value', title: 'value', phone: 'value', email: 'value', note: 'value', externalId: 'value', custom: 'object',
  },
  opportunity: {
    accountId: 'value', contactId: 'value', productId: 'value', ownerId: 'value', name: 'value', amount: 'value', currency: 'value',
    expectedOn: 'value', signedOn: 'value', source: 'value', note: 'value', externalId: 'value', custom: 'object',
  },
  lead: {
    name: 'value', source: 'value', contactName: 'value', title: 'value', phone: 'value', email: 'value', website: 'value',
    creditCode: 'value', industry: 'value', region: 'value', employees: 'value', note: 'value', ownerId: 'value', externalId: 'value',
  },
  plan: {
    accountId: 'value', contactId: 'value', opportunityId: 'value', ownerId: 'value', plannedOn: 'value', purpose: 'value',
  },
  activity: {
    accountId: 'value', contactId: 'value', opportunityId: 'value', planId: 'value', ownerId: 'value', kind: 'value',
    occurred: 'time', durationMinutes: 'value', entrySeconds: 'value', checkIn: 'object', checkOut: 'object', summary: 'value',
    outcome: 'value', nextStep: 'value', nextStepOn: 'value', externalId: 'value', custom: 'object',
  },
  appeal: { entryId: 'value', reason: 'value' },
};

/** The kinds that devices write, what is referred to first: the order in which they are sent. */
export const WRITTEN = [...(Object.keys(FIELDS) as (keyof Written)[]), 'rejected_write' as const];
export type WrittenKind = (typeof WRITTEN)[number];

/** Fields that name another record which this device may have made. */
export const REFERENCES: [string, WrittenKind][] = [
  ['accountId', 'account'], ['parentId', 'account'], ['contactId', 'contact'], ['opportunityId', 'opportunity'], ['planId', 'plan'],
];

export const isWritten = (kind: Kind): kind is WrittenKind => (WRITTEN as string[]).includes(kind);
export const formOf = (kind: Kind, field: string): Form | undefined => (FIELDS as Record<string, Record<string, Form>>)[kind]?.[field];
export const keyOf = (kind: string, id: string): string => `${kind}/${id}`;
export const camel = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

/** The record within a change. */
export const recordOf = (change: Change): Values => (change as unknown as Record<string, Values | undefined>)[camel(change.kind)] ?? {};

const holds = (value: unknown): boolean => value !== null && value !== undefined && value !== '';

/** Equal as JSON, whatever the order of the members. Null and absent are the same. */
export function same(one: unknown, other: unknown): boolean {
  if (!holds(one) || !holds(other)) return holds(one) === holds(other);
  if (typeof one !== 'object' || typeof other !== 'object') return one === other;
  const [left, right] = [one as Values, other as Values];
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((name) => same(left[name], right[name]));
}

/** When it was typed, where the record says so: activities do, and what a device made tells when it was made. */
function captured(record: Values): Pick<Draft, 'captured'> {
  const at = record['captured'] ?? record['createdAt'];
  return typeof at === 'string' || typeof at === 'number' ? { captured: { wall: new Date(at).toISOString() } } : {};
}

/** A new record. */
export function creation(kind: WrittenKind, record: Values): Draft[] {
  const names = Object.keys(record).filter((name) => formOf(kind, name) && holds(record[name]));
  const fields = Object.fromEntries(names.sort().map((name) => [name, record[name]]));
  const made: Draft = { kind, op: 'create', recordId: String(record['id']), [camel(kind)]: fields, ...captured(record) };
  return [made, ...acts(kind, record, 'stage' in record && record['stage'] !== 'intent' ? ['stage'] : [])];
}

/** The company's own fields are set one by one, and an empty text empties. What was `before` need not be sent again. */
function custom(after: unknown, before: unknown): Values {
  const [now, then] = [after ?? {}, before ?? {}] as [Values, Values];
  const keys = [...new Set([...Object.keys(then), ...Object.keys(now)])];
  return Object.fromEntries(keys.filter((key) => !before || !same(now[key], then[key])).map((key) => [key, now[key] ?? '']));
}

/**
 * A record of which these fields were changed by its user, who saw it at `baseRevision`. Nothing, if none of them can be written.
 * `before`: as he saw it, where that is known.
 */
export function alteration(kind: WrittenKind, record: Values, changed: string[], baseRevision: number | undefined, before?: Values): Draft[] {
  const names = changed.filter((name) => formOf(kind, name)).sort();
  const plain = names.filter((name) => name !== 'custom');
  const fields: Values = Object.fromEntries(plain.filter((name) => holds(record[name])).map((name) => [name, record[name]]));
  if (plain.length < names.length) fields['custom'] = custom(record['custom'], before && (before['custom'] ?? {}));
  const clear = plain.filter((name) => !holds(record[name]));
  const base = baseRevision === undefined ? {} : { baseRevision };
  const emptied = clear.length ? { clear } : {};
  const altered: Draft = { kind, op: 'update', recordId: String(record['id']), ...base, [camel(kind)]: fields, ...emptied };
  return [...(names.length ? [altered] : []), ...acts(kind, record, changed)];
}

export const removal = (kind: WrittenKind, recordId: string): Draft[] => [{ kind, op: 'delete', recordId }];

/** What is no field but an act: an opportunity moves to another stage, a plan is cancelled. */
function acts(kind: WrittenKind, record: Values, changed: string[]): Draft[] {
  const recordId = String(record['id']);
  if (kind === 'opportunity' && changed.includes('stage')) {
    const told = ['lostReason', 'lostNote', 'signedOn'].filter((name) => holds(record[name])).map((name) => [name, record[name]]);
    const advance = { stage: record['stage'], ...Object.fromEntries(told) } as Schemas['AdvanceOpportunity'];
    return [{ kind, op: 'advance', recordId, advance }];
  }
  if (kind === 'plan' && changed.includes('status') && record['status'] === 'cancelled') {
    return [{ kind, op: 'cancel', recordId, cancel: { reason: String(record['cancelReason'] ?? '') } }];
  }
  return [];
}
