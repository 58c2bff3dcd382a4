import { type KeyFields, keyFieldsSchema, type KeyRecord, type KeyView } from "../../schema/account.ts";
import type { AccountBook } from "./account-book.ts";

type Group = "team" | "organisation";

/** Every key that somebody may see; those of the configuration come first. */
export function viewKeys(
  book: AccountBook,
  reach: { readonly team: string | undefined },
  now: number,
): KeyView[] {
  const fixed = book.staticKeys().map(({ id, fields }) => viewStaticKey(id, fields, now));
  return [...fixed, ...book.keys().map((record) => viewKey(record, now))]
    .filter(({ team }) => reach.team === undefined || team === reach.team);
}

export function viewKey(record: KeyRecord, now: number): KeyView {
  const { previous, revoked_at: revokedAt } = record;
  return {
    object: "key",
    id: record.id,
    ...keyFieldsSchema.strip().parse(record),
    status: revokedAt !== undefined ? "revoked" : statusOf(record, now),
    source: "store",
    created_at: new Date(record.created_at).toISOString(),
    created_by: record.created_by,
    ...(revokedAt === undefined ? {} : { revoked_at: new Date(revokedAt).toISOString() }),
    ...(previous === undefined || previous.until <= now
      ? {}
      : { previous_secret_until: new Date(previous.until).toISOString() }),
  };
}

function viewStaticKey(id: string, fields: KeyFields, now: number): KeyView {
  return { object: "key", id, ...fields, status: statusOf(fields, now), source: "configuration" };
}

function statusOf({ disabled, expires_at: expires }: KeyFields, now: number): KeyView["status"] {
  if (disabled) return "disabled";
  return expires !== undefined && Date.parse(expires) <= now ? "expired" : "active";
}

/** Every team or organisation that there is. */
export function viewGroups(book: AccountBook, kind: Group): Record<string, unknown>[] {
  const records = kind === "team" ? book.teams() : book.organisations();
  const fixed = kind === "team" ? book.staticTeams() : book.staticOrganisations();
  return [
    ...[...fixed].map(([id, fields]) => ({ object: kind, id, ...fields, source: "configuration" })),
    ...records.filter(({ deleted_at: at, id }) => at === undefined && !fixed.has(id)).map((record) => {
      const { created_at: createdAt, version: _, deleted_at: __, ...rest } = record;
      return { object: kind, ...rest, source: "store", created_at: new Date(createdAt).toISOString() };
    }),
  ];
}
