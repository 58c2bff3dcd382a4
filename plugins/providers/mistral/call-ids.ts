/** Mistral takes ids of this form alone (error 3280), and gives such ids itself. */
const wellFormed = /^[a-zA-Z0-9]{9}$/;

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/**
 * Ids of tool calls in the form that Mistral takes. The same id becomes the same one in every request, so that what the backend has
 * in its cache stays true; different ones stay different within a request.
 */
export class MistralCallIds {
  readonly #made = new Map<string, string>();
  readonly #taken = new Set<string>();

  /** @param ids all that the conversation has: those of the right form keep theirs, whatever others become. */
  constructor(ids: Iterable<string>) {
    for (const id of ids) {
      if (!wellFormed.test(id)) continue;
      this.#made.set(id, id);
      this.#taken.add(id);
    }
  }

  encode(id: string): string {
    const known = this.#made.get(id);
    if (known !== undefined) return known;
    let made = shorten(id);
    for (let count = 2; this.#taken.has(made); count++) made = shorten(`${id} ${count}`);
    this.#made.set(id, made);
    this.#taken.add(made);
    return made;
  }
}

/** Nine digits of a 64-bit FNV-1a hash. */
function shorten(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  let made = "";
  for (let position = 0; position < 9; position++) {
    made += digits[Number(hash % 62n)];
    hash /= 62n;
  }
  return made;
}
