import { timingSafeEqual } from "node:crypto";
import type { Clock } from "../../lib/clock.ts";
import type {
  Budget,
  KeyFields,
  KeyRecord,
  Limits,
  OrganisationFields,
  OrganisationRecord,
  TeamFields,
  TeamRecord,
} from "../../schema/account.ts";
import { hashApiKey, idOfApiKey, isPlausibleApiKey } from "../api-key.ts";
import { AddressRanges } from "../address-ranges.ts";
import { RoleBook } from "../permissions.ts";
import type { ChargedAccount, Principal } from "../principal.ts";
import { textMatcher } from "../../lib/text-pattern.ts";
import type { AccountSnapshot, AccountStore } from "./account-store.ts";

/** A key that the configuration or the environment gives. */
export interface StaticKey {
  readonly id: string;
  /** SHA-256, 32 bytes. */
  readonly hash: Uint8Array;
  readonly fields: KeyFields;
}

/** What the configuration says of accounts; it comes before what is stored. */
export interface StaticAccounts {
  readonly keys: readonly StaticKey[];
  readonly teams: ReadonlyMap<string, TeamFields>;
  readonly organisations: ReadonlyMap<string, OrganisationFields>;
  readonly roles: RoleBook;
}

export interface AccountBookOptions {
  readonly store: AccountStore;
  readonly clock: Clock;
  /** Told when the store cannot be read; must not throw. What was read before goes on to hold. */
  readonly onError: (error: unknown) => void;
}

/** A key that can be presented now, or the reason why it cannot. */
export type FoundKey =
  | { readonly principal: Principal; readonly addresses: AddressRanges | undefined }
  | { readonly refusal: "revoked" | "disabled" | "expired" };

interface PreparedKey {
  /** Undefined for a key of the configuration or the environment. */
  readonly record: KeyRecord | undefined;
  readonly hash: Uint8Array;
  readonly previous: { readonly hash: Uint8Array; readonly until: number } | undefined;
  readonly state: "good" | "revoked" | "disabled";
  readonly expiresAt: number;
  readonly principal: Principal;
  readonly addresses: AddressRanges | undefined;
}

const noAccounts: StaticAccounts = {
  keys: [],
  teams: new Map(),
  organisations: new Map(),
  roles: new RoleBook(),
};

/** Every account, ready for a look-up: requests never wait for a store. */
export class AccountBook {
  readonly #options: AccountBookOptions;
  #static = noAccounts;
  #reading: Promise<void> = Promise.resolve();
  #stored: AccountSnapshot = { keys: [], teams: [], organisations: [] };
  /** Keys that count as revoked although that could not be saved. */
  readonly #blocked = new Set<string>();
  /** Keys of our own format, by the id that is in them. */
  #byId: ReadonlyMap<string, PreparedKey> = new Map();
  /** Static keys that an operator chose, which say nothing of themselves. */
  #unnamed: readonly PreparedKey[] = [];
  /** What a record was made of when it was last prepared. */
  readonly #prepared = new WeakMap<KeyRecord, {
    readonly key: PreparedKey;
    readonly team: TeamFields | undefined;
    readonly organisation: OrganisationFields | undefined;
    readonly roles: RoleBook;
  }>();
  #teams: ReadonlyMap<string, TeamFields> = new Map();
  #organisations: ReadonlyMap<string, OrganisationFields> = new Map();

  constructor(options: AccountBookOptions) {
    this.#options = options;
  }

  /** Reads everything once, and again whenever something has changed. @throws when the first reading fails. */
  async open(): Promise<void> {
    this.#stored = await this.#options.store.load();
    this.#prepare();
    this.#options.store.watch(() => void this.refresh());
  }

  /** Takes in what has been saved. Never throws: an unreadable store must lock nobody out. */
  refresh(): Promise<void> {
    // One after the other: an older reading must not come after a newer one.
    return this.#reading = this.#reading.then(() => this.#read());
  }

  async #read(): Promise<void> {
    try {
      this.#stored = await this.#options.store.load();
      this.#prepare();
    } catch (error) {
      this.#options.onError(error);
    }
  }

  configure(accounts: StaticAccounts): void {
    this.#static = accounts;
    this.#prepare();
  }

  get store(): AccountStore {
    return this.#options.store;
  }

  get roles(): RoleBook {
    return this.#static.roles;
  }

  /** Whether anybody has a key; one that was revoked counts, too: nothing opens a gateway that has been closed. */
  get hasKeys(): boolean {
    return this.#byId.size > 0 || this.#unnamed.length > 0;
  }

  /** False while there may be keys that are not known yet. */
  get isComplete(): boolean {
    return this.#options.store.isComplete;
  }

  /** Whether some key may administer the gateway. */
  get hasAdministrator(): boolean {
    const prepared = [...this.#byId.values(), ...this.#unnamed];
    return prepared.some(({ state, principal }) =>
      state === "good" && principal.permissions.has("keys.write")
    );
  }

  /** Takes a key for revoked from now on, whatever its record says, for as long as this process lives. */
  block(id: string): void {
    this.#blocked.add(id);
  }

  /** Records of the store, revoked ones included. */
  keys(): readonly KeyRecord[] {
    return this.#stored.keys;
  }

  key(id: string): KeyRecord | undefined {
    return this.#byId.get(id)?.record;
  }

  /** Keys of the configuration and the environment, which only those can change. */
  staticKeys(): readonly StaticKey[] {
    return this.#static.keys;
  }

  staticTeams(): ReadonlyMap<string, TeamFields> {
    return this.#static.teams;
  }

  staticOrganisations(): ReadonlyMap<string, OrganisationFields> {
    return this.#static.organisations;
  }

  teams(): readonly TeamRecord[] {
    return this.#stored.teams;
  }

  organisations(): readonly OrganisationRecord[] {
    return this.#stored.organisations;
  }

  team(id: string): TeamFields | undefined {
    return this.#teams.get(id);
  }

  /** Whether there is such a team, switched off or not. */
  hasTeam(id: string): boolean {
    const stored = this.#stored.teams.find((team) => team.id === id);
    return this.#static.teams.has(id) || (stored !== undefined && stored.deleted_at === undefined);
  }

  organisation(id: string): OrganisationFields | undefined {
    return this.#organisations.get(id);
  }

  /** Who is charged for a team's requests; undefined when there is no such team, or it or its organisation is switched off. */
  chargesOfTeam(
    id: string,
  ): { readonly organisation: string | undefined; readonly accounts: readonly ChargedAccount[] } | undefined {
    const team = this.#teams.get(id);
    const name = team?.organisation;
    const organisation = name === undefined ? undefined : this.#organisations.get(name);
    if (team === undefined || isOff(id, team) || isOff(name, organisation)) return undefined;
    const accounts = [charged("team", id, team), charged("organisation", name, organisation)];
    return { organisation: name, accounts: accounts.filter((account) => account !== undefined) };
  }

  isStatic(kind: "key" | "team" | "organisation", id: string): boolean {
    return kind === "key"
      ? this.#static.keys.some((key) => key.id === id)
      : (kind === "team" ? this.#static.teams : this.#static.organisations).has(id);
  }

  /**
   * Whose key a presented text is; undefined when it is nobody's. The time it takes tells nothing about which part of it is right: a
   * key with an unknown id is compared as well.
   */
  find(presented: string): FoundKey | undefined {
    if (!isPlausibleApiKey(presented)) return undefined;
    const hash = hashApiKey(presented);
    const id = idOfApiKey(presented);
    const named = id === undefined ? undefined : this.#byId.get(id);
    const isNamed = this.#matches(named ?? decoy, hash) && named !== undefined;
    let found = isNamed ? named : undefined;
    for (const candidate of this.#unnamed) {
      if (this.#matches(candidate, hash)) found = candidate;
    }
    return found === undefined ? undefined : this.#judge(found);
  }

  /** A key's rights as they now are, for work that goes on without it; undefined when it would be refused. */
  principal(id: string): Principal | undefined {
    const prepared = this.#byId.get(id) ?? this.#unnamed.find((key) => key.principal.id === id);
    const found = prepared && this.#judge(prepared);
    return found !== undefined && "principal" in found ? found.principal : undefined;
  }

  #matches({ hash, previous }: Pick<PreparedKey, "hash" | "previous">, presented: Uint8Array): boolean {
    const isCurrent = timingSafeEqual(hash, presented);
    const isPrevious = timingSafeEqual(previous?.hash ?? decoy.hash, presented);
    return isCurrent || (isPrevious && previous !== undefined && this.#options.clock.now() < previous.until);
  }

  #judge({ state, expiresAt, principal, addresses }: PreparedKey): FoundKey {
    if (state !== "good") return { refusal: state };
    if (this.#blocked.size > 0 && this.#blocked.has(principal.id)) return { refusal: "revoked" };
    return this.#options.clock.now() >= expiresAt ? { refusal: "expired" } : { principal, addresses };
  }

  #prepare(): void {
    const { keys, teams, organisations } = this.#static;
    this.#organisations = new Map([...this.#stored.organisations.map(named), ...organisations]);
    this.#teams = new Map([...this.#stored.teams.map(named), ...teams]);
    const byId = new Map<string, PreparedKey>();
    for (const record of this.#stored.keys) byId.set(record.id, this.#preparedKey(record));
    this.#byId = byId;
    this.#unnamed = keys.map(({ id, hash, fields }) => this.#prepareKey(id, hash, fields));
  }

  /** As it was prepared before, where neither it nor anything that it depends on has changed. */
  #preparedKey(record: KeyRecord): PreparedKey {
    const { team, organisation } = this.#groupsOf(record);
    const { roles } = this.#static;
    const known = this.#prepared.get(record);
    if (
      known !== undefined && known.team === team && known.organisation === organisation &&
      known.roles === roles
    ) return known.key;
    const key = this.#prepareKey(record.id, Buffer.from(record.hash, "hex"), record, record);
    this.#prepared.set(record, { key, team, organisation, roles });
    return key;
  }

  #groupsOf({ team: name }: Pick<KeyFields, "team">) {
    const team = name === undefined ? undefined : this.#teams.get(name);
    const organisation = team?.organisation === undefined
      ? undefined
      : this.#organisations.get(team.organisation);
    return { team, organisation };
  }

  #prepareKey(
    id: string,
    hash: Uint8Array,
    fields: KeyFields & Partial<KeyRecord>,
    record?: KeyRecord,
  ): PreparedKey {
    const { previous, revoked_at: revokedAt, expires_at: expires, ip_ranges: ranges } = fields;
    const { team, organisation } = this.#groupsOf(fields);
    const expiresAt = expires === undefined ? Infinity : Date.parse(expires);
    // A team that is gone leaves its keys without anybody to answer for them.
    const isDisabled = fields.disabled || isOff(fields.team, team) || isOff(team?.organisation, organisation);
    return {
      record,
      hash,
      previous: previous === undefined
        ? undefined
        : { hash: Buffer.from(previous.hash, "hex"), until: previous.until },
      state: revokedAt !== undefined ? "revoked" : isDisabled ? "disabled" : "good",
      expiresAt,
      addresses: ranges === undefined ? undefined : new AddressRanges(ranges),
      principal: {
        id,
        roles: fields.roles,
        permissions: this.#static.roles.permissionsOf(fields.roles),
        tenant: fields.tenant ?? id,
        team: fields.team,
        organisation: team?.organisation,
        persona: fields.persona,
        guardrails: fields.guardrails,
        labels: { name: fields.name, owner: fields.owner, metadata: fields.metadata },
        mayUse: textMatcher(fields.models),
        mayAsk: textMatcher(fields.routes),
        mayCall: textMatcher(fields.endpoints),
        accounts: [
          charged("key", id, fields),
          charged("team", fields.team, team),
          charged("organisation", team?.organisation, organisation),
        ].filter((account) => account !== undefined),
        grants: {
          models: fields.models,
          routes: fields.routes,
          endpoints: fields.endpoints,
          ipRanges: ranges,
          expiresAt: expiresAt === Infinity ? undefined : expiresAt,
        },
      },
    };
  }
}

/** Compared in the place of a key that is not there. */
const decoy = { hash: new Uint8Array(32), previous: undefined };

function named<Fields extends TeamRecord | OrganisationRecord>(record: Fields): [string, Fields] {
  return [record.id, record.deleted_at === undefined ? record : { ...record, disabled: true }];
}

/** Named, and not there or switched off. */
function isOff(name: string | undefined, account: { readonly disabled: boolean } | undefined): boolean {
  return name !== undefined && (account === undefined || account.disabled);
}

function charged(
  kind: string,
  id: string | undefined,
  account: { readonly limits?: Limits | undefined; readonly budget?: Budget | undefined } | undefined,
): ChargedAccount | undefined {
  if (id === undefined || account === undefined) return undefined;
  const { limits, budget } = account;
  return limits === undefined && budget === undefined
    ? undefined
    : { scope: `${kind}:${id}`, limits, budget };
}
