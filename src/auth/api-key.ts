import { hash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const idLength = 12;
const secretLength = 43;
const checksumLength = 6;

/** `sk-ir-<id>-<secret><checksum>`: secret scanners know the prefix, and the checksum tells a typing error from a wrong key. */
const ownFormat = new RegExp(
  `^sk-ir-[0-9A-Za-z]{${idLength}}-[0-9A-Za-z]{${secretLength + checksumLength}}$`,
);

/** A new key: 12 characters name it, 43 (256 bits) are secret. */
export function generateApiKey(): { readonly id: string; readonly key: string } {
  const id = randomText(idLength);
  return { id, key: generateSecretFor(id) };
}

/**
 * Whether a presented text can be a key at all, asked before any look-up. Keys of our own format must carry the right
 * checksum; others (static keys that an operator chose) are 8 to 512 visible ASCII characters without comma, which
 * is how two joined headers show.
 */
export function isPlausibleApiKey(key: string): boolean {
  if (key.length < 8 || key.length > 512) return false;
  if (key.startsWith("sk-ir-")) {
    return ownFormat.test(key) && checksum(key.slice(0, -checksumLength)) === key.slice(-checksumLength);
  }
  return /^[!-+\--~]+$/.test(key);
}

/** The id that a key of our own format carries; undefined for other keys. */
export function idOfApiKey(key: string): string | undefined {
  return ownFormat.test(key) ? key.slice(6, 6 + idLength) : undefined;
}

/** A further secret for a key that keeps its id. */
export function generateSecretFor(id: string): string {
  const body = `sk-ir-${id}-${randomText(secretLength)}`;
  return body + checksum(body);
}

/** SHA-256 of a key. Enough for random keys, which cannot be guessed offline; passwords would need more. */
export function hashApiKey(key: string): Buffer {
  return hash("sha256", key, "buffer");
}

function randomText(length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      // Bytes from 248 on would favour the first letters of the alphabet.
      if (byte < 248 && text.length < length) text += alphabet[byte % alphabet.length];
    }
  }
  return text;
}

function checksum(body: string): string {
  let value = crc32(body);
  let text = "";
  for (let index = 0; index < checksumLength; index++) {
    text = alphabet[value % alphabet.length] + text;
    value = Math.floor(value / alphabet.length);
  }
  return text;
}
