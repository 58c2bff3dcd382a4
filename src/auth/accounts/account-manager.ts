import { ApiError } from "../../lib/api-error.ts";
import type { Clock } from "../../lib/clock.ts";
import {
  type KeyFields,
  keyFieldsSchema,
  type KeyRecord,
  type OrganisationFields,
  type OrganisationRecord,
  type TeamFields,
  type TeamRecord,
} from "../../schema/account.ts";
import { generateApiKey, generateSecretFor, hashApiKey } from "../api-key.ts";
import type { AccountBook } from "./account-book.ts";
import { AccountConflict, type AccountKind, type AccountRecords } from "./account-store.ts";
import { checkRights, type Maker } from "./rights.ts";

/** An act of administration, for the audit log. */
export interface AdministrativeAct {
  /** Id of the key that did it, or `command-line`. */
  readonly actor: string;
  /** Such as `key.create`. */
  readonly action: string;
  /** Such as `key:ID`. */
  readonly resource: string;
  /** What was asked for; never a secret. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface AccountManagerOptions {
  readonly book: AccountBook;
  readonly clock: Clock;
  /** Must have kept the act when it returns. */
  readonly audit: (act: AdministrativeAct) => void;
}

/** A key with its secret, which is shown this once. */
export interface NewKey {
  readonly record: KeyRecord;
  readonly key: string;
}

/** The longest time for which the secret before a rotation stays good, in milliseconds. */
export const longestGraceMs = 90 * 24 * 60 * 60 * 1000;

/** Groups that keys belong to, in the order of their nesting. */
type GroupKind = Exclude<AccountKind, "key">;
interface GroupFields {
  readonly team: TeamFields;
  readonly organisation: OrganisationFields;
}

/** Makes and changes accounts. What it does is written down, and holds at once in this process. */
export class AccountManager {
  readonly #options: AccountManagerOptions;

  constructor(options: AccountManagerOptions) {
    this.#options = options;
  }

  /** @throws {ApiError} 403 when it would have more rights than its maker, 400 for a team that is not there. */
  async createKey(fields: KeyFields, maker: Maker): Promise<NewKey> {
    const asked = { ...fields, ...(maker.team === undefined ? {} : { team: fields.team ?? maker.team }) };
    this.#check(asked, maker);
    if (asked.expires_at !== undefined && Date.parse(asked.expires_at) <= this.#options.clock.now()) {
      throw new ApiError({
        status: 400,
        code: "invalid_value",
        param: "expires_at",
        message: `The key would be refused from the beginning: ${asked.expires_at} is over.`,
      });
    }
    const { id, key } = generateApiKey();
    const record: KeyRecord = {
      ...asked,
      id,
      hash: hashApiKey(key).toString("hex"),
      created_at: this.#options.clock.now(),
      created_by: maker.id,
      version: 1,
    };
    await this.#save("key", record, maker, "create", asked);
    return { record, key };
  }

  /** Changes the given fields; null takes an optional one away. */
  async updateKey(
    id: string,
    changes: Readonly<Record<string, unknown>>,
    maker: Maker,
  ): Promise<KeyRecord> {
    const record = this.#key(id, maker);
    if (record.revoked_at !== undefined) throw revoked(id);
    // Nobody changes those who may do more.
    checkRights(maker, fieldsOf(record), this.#options.book.roles);
    // What is taken away has its default again.
    const next = keyFieldsSchema.parse(withoutNulls({ ...fieldsOf(record), ...changes }));
    this.#check(next, maker);
    const changed = { ...next, ...storedOf(record) };
    await this.#save("key", changed, maker, "update", changes);
    return changed;
  }

  /**
   * Gives a key a new secret; the old one stays good for the grace period.
   *
   * @param graceMs at most `longestGraceMs`; 0 ends the old secret at once.
   * @throws {ApiError} 403 when the key has more rights than the maker, who would come by them.
   */
  async rotateKey(id: string, graceMs: number, maker: Maker): Promise<NewKey> {
    const old = this.#key(id, maker);
    if (old.revoked_at !== undefined) throw revoked(id);
    this.#check(fieldsOf(old), maker);
    const key = generateSecretFor(id);
    const { previous: _, ...rest } = old;
    const record: KeyRecord = {
      ...rest,
      hash: hashApiKey(key).toString("hex"),
      ...(graceMs > 0
        ? {
          previous: { hash: old.hash, until: this.#options.clock.now() + Math.min(graceMs, longestGraceMs) },
        }
        : {}),
      version: old.version + 1,
    };
    await this.#save("key", record, maker, "rotate", { grace_ms: graceMs });
    return { record, key };
  }

  /**
   * Ends a key for good. Revoking it again changes nothing.
   *
   * @throws {ApiError} 503 when that cannot be saved; this gateway refuses the key all the same, until it is started anew.
   */
  async revokeKey(id: string, maker: Maker): Promise<KeyRecord> {
    const record = this.#key(id, maker);
    if (record.revoked_at !== undefined) return record;
    checkRights(maker, fieldsOf(record), this.#options.book.roles);
    const { previous: _, ...rest } = record;
    const ended = { ...rest, revoked_at: this.#options.clock.now(), version: record.version + 1 };
    try {
      await this.#save("key", ended, maker, "revoke", {});
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) throw error;
      this.#options.book.block(id);
      throw new ApiError({
        status: 503,
        code: "store_unavailable",
        message:
          "The revocation cannot be saved at the moment. This gateway refuses the key from now on, but only until it is started anew, and others still take it; revoke the key again as soon as its store works.",
        cause: error,
      });
    }
    return ended;
  }

  /** Makes a team or an organisation, or gives one that is there these fields. */
  async saveGroup<Kind extends GroupKind>(
    kind: Kind,
    id: string,
    fields: GroupFields[Kind],
    maker: Maker,
  ): Promise<AccountRecords[Kind]> {
    this.#mayChangeGroup(kind, id, maker);
    const organisation = (fields as TeamFields).organisation;
    if (organisation !== undefined && this.#options.book.organisation(organisation) === undefined) {
      throw missing("organisation", organisation);
    }
    const old = this.#group(kind, id);
    // Its keys would come back to life with it.
    if (old?.deleted_at !== undefined) throw deleted(kind, id);
    const record = {
      ...fields,
      id,
      created_at: old?.created_at ?? this.#options.clock.now(),
      created_by: old?.created_by ?? maker.id,
      version: (old?.version ?? 0) + 1,
    } as AccountRecords[Kind];
    await this.#save(kind, record, maker, old === undefined ? "create" : "update", fields);
    return record;
  }

  /** Ends a team or an organisation, and with it all of its keys. */
  async deleteGroup(kind: GroupKind, id: string, maker: Maker): Promise<void> {
    this.#mayChangeGroup(kind, id, maker);
    const old = this.#group(kind, id);
    if (old === undefined || old.deleted_at !== undefined) throw notFound(kind, id);
    const record = { ...old, deleted_at: this.#options.clock.now(), version: old.version + 1 };
    await this.#save(kind, record as AccountRecords[typeof kind], maker, "delete", {});
  }

  #check(fields: KeyFields, maker: Maker): void {
    const { book } = this.#options;
    checkRights(maker, fields, book.roles);
    if (fields.team !== undefined && !book.hasTeam(fields.team)) throw missing("team", fields.team);
  }

  /** A key that is out of the maker's reach is as one that is not there. */
  #key(id: string, maker: Maker): KeyRecord {
    const { book } = this.#options;
    const record = book.key(id);
    if (record !== undefined && (maker.team === undefined || record.team === maker.team)) return record;
    if (book.isStatic("key", id) && maker.team === undefined) throw isConfigured("key", id);
    throw notFound("key", id);
  }

  #group(kind: GroupKind, id: string): TeamRecord | OrganisationRecord | undefined {
    const { book } = this.#options;
    return (kind === "team" ? book.teams() : book.organisations()).find((record) => record.id === id);
  }

  #mayChangeGroup(kind: GroupKind, id: string, maker: Maker): void {
    // Whoever belongs to a team would give it more than was given to it.
    if (maker.team !== undefined) throw notFound(kind, id);
    if (this.#options.book.isStatic(kind, id)) throw isConfigured(kind, id);
  }

  async #save<Kind extends AccountKind>(
    kind: Kind,
    record: AccountRecords[Kind],
    maker: Maker,
    action: string,
    details: object,
  ): Promise<void> {
    const { book, audit } = this.#options;
    try {
      await book.store.save(kind, record);
    } catch (error) {
      if (!(error instanceof AccountConflict)) throw error;
      throw new ApiError({
        status: 409,
        code: "conflict",
        message: "It has been changed in the meantime; read it and try again.",
        cause: error,
      });
    }
    audit({
      actor: maker.id,
      action: `${kind}.${action}`,
      resource: `${kind}:${record.id}`,
      details: { ...details },
    });
    await book.refresh();
  }
}

function fieldsOf(record: KeyRecord): KeyFields {
  return keyFieldsSchema.strip().parse(record);
}

function storedOf(
  { id, hash, previous, created_at, created_by, version }: KeyRecord,
): Pick<KeyRecord, "id" | "hash" | "previous" | "created_at" | "created_by" | "version"> {
  return {
    id,
    hash,
    ...(previous === undefined ? {} : { previous }),
    created_at,
    created_by,
    version: version + 1,
  };
}

function withoutNulls(changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== null));
}

function notFound(kind: AccountKind, id: string): ApiError {
  return new ApiError({
    status: 404,
    code: `${kind}_not_found`,
    message: `There is no ${kind} "${id.slice(0, 64)}".`,
  });
}

function missing(param: GroupKind, id: string): ApiError {
  return new ApiError({
    status: 400,
    code: `${param}_not_found`,
    param,
    message: `There is no ${param} "${id}". Make it first.`,
  });
}

function isConfigured(kind: AccountKind, id: string): ApiError {
  return new ApiError({
    status: 409,
    code: "configured",
    message: `The ${kind} "${id}" is in the configuration, and can be changed only there.`,
  });
}

function deleted(kind: GroupKind, id: string): ApiError {
  return new ApiError({
    status: 409,
    code: `${kind}_deleted`,
    message: `The ${kind} "${id}" was deleted, and its name is not used again.`,
  });
}

function revoked(id: string): ApiError {
  return new ApiError({ status: 409, code: "key_revoked", message: `The key "${id}" is revoked for good.` });
}
