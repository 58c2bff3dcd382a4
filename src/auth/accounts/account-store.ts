import type { KeyRecord, OrganisationRecord, TeamRecord } from "../../schema/account.ts";

export interface AccountRecords {
  readonly key: KeyRecord;
  readonly team: TeamRecord;
  readonly organisation: OrganisationRecord;
}

export type AccountKind = keyof AccountRecords;

/** Everything that is kept, as of one moment. */
export interface AccountSnapshot {
  readonly keys: readonly KeyRecord[];
  readonly teams: readonly TeamRecord[];
  readonly organisations: readonly OrganisationRecord[];
}

/** Another change came in between; what it was based on is no longer so. */
export class AccountConflict extends Error {
  override readonly name = "AccountConflict";
}

/**
 * Where keys, teams and organisations are kept. Records are never removed, only marked as revoked or deleted: what is gone could not be
 * told from what a store has lost.
 */
export interface AccountStore {
  /** A record that has not changed since the last time is the same object. */
  load(): Promise<AccountSnapshot>;
  /** False while there may be accounts that could not be read yet: a key that is not known may then be a good one. */
  readonly isComplete: boolean;
  /**
   * Keeps a record in the place of the one of the version before; version 1 is a new one.
   * @throws {AccountConflict} when that is not what is there.
   */
  save<Kind extends AccountKind>(kind: Kind, record: AccountRecords[Kind]): Promise<void>;
  /** Calls back, within a second, when somebody else has saved something. */
  watch(onChange: () => void): void;
  close(): void | Promise<void>;
}
