import { expect, test } from "bun:test";
import { accountBook, principal } from "../../../test/support/account-fixtures.ts";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { testHost } from "../../../test/support/test-host.ts";
import { keyFieldsSchema } from "../../schema/account.ts";
import { RoleBook } from "../permissions.ts";
import { AccountBook } from "./account-book.ts";
import { AccountManager } from "./account-manager.ts";
import { SqliteAccountStore } from "./sqlite-account-store.ts";

const maker = principal({ id: "root" });

async function opened() {
  const clock = new FakeClock();
  const book = await accountBook([], clock);
  return { book, clock, manager: new AccountManager({ book, clock, audit: () => {} }) };
}

/** Who a key belongs to, or why it is refused. */
function found(book: AccountBook, key: string): unknown {
  const found = book.find(key);
  return found === undefined ? undefined : "refusal" in found ? found.refusal : found.principal;
}

test("a change leaves every key that it does not concern as it was", async () => {
  const { book, manager } = await opened();
  await manager.saveGroup("team", "core", { disabled: false }, maker);
  const alone = await manager.createKey(keyFieldsSchema.parse({}), maker);
  const member = await manager.createKey(keyFieldsSchema.parse({ team: "core" }), maker);
  const before = [found(book, alone.key), found(book, member.key)];
  const third = await manager.createKey(keyFieldsSchema.parse({}), maker);
  expect(found(book, alone.key)).toBe(before[0]);
  expect(found(book, member.key)).toBe(before[1]);
  expect(book.key(third.record.id)).toMatchObject({ id: third.record.id, version: 1 });
  // The team's own change is one of its keys.
  await manager.saveGroup("team", "core", { disabled: false, limits: { requests_per_minute: 5 } }, maker);
  expect(found(book, alone.key)).toBe(before[0]);
  expect(found(book, member.key)).toMatchObject({ accounts: [{ scope: "team:core" }] });
  await manager.saveGroup("team", "core", { disabled: true }, maker);
  expect(found(book, member.key)).toBe("disabled");
  book.configure({
    keys: [],
    teams: new Map(),
    organisations: new Map(),
    roles: new RoleBook([{ name: "developer-2", permissions: ["inference"] }]),
  });
  expect(found(book, alone.key)).toMatchObject({ id: alone.record.id, roles: ["developer"] });
});

test("what another process has saved is taken in", async () => {
  const clock = new FakeClock();
  const database = testHost().sqlite("accounts");
  const open = async () => {
    const store = new SqliteAccountStore(database, clock);
    const book = new AccountBook({ store, clock, onError: () => {} });
    await book.open();
    return { book, manager: new AccountManager({ book, clock, audit: () => {} }) };
  };
  const [one, other] = [await open(), await open()];
  const { key, record } = await one.manager.createKey(keyFieldsSchema.parse({ name: "a" }), maker);
  await other.book.refresh();
  expect(found(other.book, key)).toMatchObject({ id: record.id });
  await one.manager.revokeKey(record.id, maker);
  await other.book.refresh();
  expect(found(other.book, key)).toBe("revoked");
});

test("a key whose revocation cannot be saved is refused all the same", async () => {
  const { book, manager } = await opened();
  const { key, record } = await manager.createKey(keyFieldsSchema.parse({}), maker);
  book.store.save = () => Promise.reject(new Error("disk is full"));
  const refusal = await manager.revokeKey(record.id, maker).catch((error) => error);
  expect([refusal.status, refusal.code]).toEqual([503, "store_unavailable"]);
  expect(found(book, key)).toBe("revoked");
  await book.refresh();
  expect(found(book, key)).toBe("revoked");
});
