import { definePlugin } from "intellirouter/plugin";
import type { StrategyRequest } from "intellirouter/plugin";
import { z } from "zod";

/** Characters that name a conversation. */
const conversationCharacters = 1_024;

/**
 * Consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam, 2016) on rendezvous hashes: every target gets a
 * number from the key and its own id, and the highest wins (Thaler and Ravishankar, 1998), weighted by the logarithmic method
 * (Schindelhauer and Schomaker, 2005). The same key goes to the same target, and moves on to its next only while that
 * target has more than `load_factor` times its share of the load. A target that comes or goes moves only its own share of
 * the keys. A ring would have to be made anew whenever filters change the set of targets; this has no state.
 */
export default definePlugin({
  apiVersion: 1,
  kind: "strategy",
  name: "sticky",
  description:
    "The same user, caller, header or conversation goes to the same target while that is not overloaded.",
  options: z.strictObject({
    by: z.string().regex(
      /^(user|principal|conversation|header:[a-z0-9-]+)$/,
      "must be user, principal, conversation or header:NAME",
    )
      .default("conversation")
      .describe(
        "What is kept together: user, principal, conversation (by its first message of a user), or header:NAME.",
      ),
    load_factor: z.number().min(1).max(100).default(1.25).describe(
      "How far above the average a target's load may be.",
    ),
  }),
  create: ({ by, load_factor: loadFactor }) => ({
    rank(targets, request) {
      const key = hash(keyOf(request, by));
      let load = 1;
      let weights = 0;
      for (const target of targets) {
        load += target.outstandingRequests;
        weights += target.weight;
      }
      return targets
        .map(({ id, weight, outstandingRequests }) => ({
          id,
          full: weight === 0 || outstandingRequests >= Math.ceil(loadFactor * load * weight / weights),
          score: weight === 0 ? -Infinity : Math.log(uniform(key, hash(id))) / weight,
        }))
        .sort((left, right) =>
          Number(left.full) - Number(right.full) ||
          (left.score === right.score ? 0 : right.score - left.score)
        )
        .map(({ id }) => ({ id }));
    },
  }),
});

function keyOf(request: StrategyRequest, by: string): string {
  if (by === "principal") return request.principal;
  if (by.startsWith("header:")) {
    const value = request.header(by.slice("header:".length));
    if (value !== undefined) return value;
  }
  if (by === "user" && request.user !== undefined) return request.user;
  return conversationKey(request.prompt());
}

/** A long system prompt is the same in all conversations of an application; what its user first says tells them apart. */
function conversationKey(prompt: string): string {
  const marker = "\u0000user\u0000";
  const user = prompt.indexOf(marker);
  if (user < 0) return prompt.slice(0, conversationCharacters);
  const start = user + marker.length;
  const end = prompt.indexOf("\u0000", start);
  return prompt.slice(start, Math.min(end < 0 ? prompt.length : end, start + conversationCharacters));
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}

/** In (0, 1), by MurmurHash3's finalizer. */
function uniform(key: number, target: number): number {
  return (mix(mix(key) ^ target) + 0.5) / 0x1_0000_0000;
}

function mix(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
