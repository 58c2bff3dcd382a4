import { createHash } from "node:crypto";
import { definePlugin } from "intellirouter/plugin";
import type { StrategyRequest } from "intellirouter/plugin";
import { z } from "zod";

/** Points of each target on the ring, for a weight of 1. */
const pointsPerTarget = 100;

/** Characters of a conversation's beginning that name it. */
const conversationPrefix = 1_024;

interface Ring {
  readonly signature: string;
  /** Ascending. */
  readonly points: readonly { readonly at: number; readonly id: string }[];
}

/**
 * Consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam, 2016): the same key goes to the same
 * target, and moves on along the ring only when that target has more than `load_factor` times the average load. A target that comes
 * or goes moves only its own share of the keys.
 */
export default definePlugin({
  apiVersion: 1,
  kind: "strategy",
  name: "sticky",
  description: "The same user, caller, header or conversation goes to the same target while that is not overloaded.",
  options: z.strictObject({
    by: z.string().regex(/^(user|principal|conversation|header:[a-z0-9-]+)$/, "must be user, principal, conversation or header:NAME")
      .default("conversation")
      .describe("What is kept together: user, principal, conversation (its beginning), or header:NAME."),
    load_factor: z.number().min(1).max(100).default(1.25).describe("How far above the average a target's load may be."),
  }),
  create({ by, load_factor: loadFactor }) {
    let ring: Ring = { signature: "", points: [] };
    return {
      rank(targets, request) {
        const signature = targets.map(({ id, weight }) => `${id}*${weight}`).join("\n");
        if (signature !== ring.signature) ring = { signature, points: ringOf(targets) };
        const total = targets.reduce((sum, target) => sum + target.outstandingRequests, 0);
        const bound = Math.ceil(loadFactor * ((total + 1) / targets.length));
        const load = new Map(targets.map(({ id, outstandingRequests }) => [id, outstandingRequests]));
        const order = walk(ring.points, hash(keyOf(request, by)));
        const missing = targets.filter(({ id }) => !order.includes(id)).map(({ id }) => id);
        const fits = (id: string) => (load.get(id) ?? 0) < bound;
        return [...order.filter(fits), ...order.filter((id) => !fits(id)), ...missing].map((id) => ({ id }));
      },
    };
  },
});

function keyOf(request: StrategyRequest, by: string): string {
  if (by === "principal") return request.principal;
  if (by.startsWith("header:")) {
    const value = request.header(by.slice("header:".length));
    if (value !== undefined) return value;
  }
  if (by === "user" && request.user !== undefined) return request.user;
  return request.prompt().slice(0, conversationPrefix);
}

function ringOf(targets: readonly { readonly id: string; readonly weight: number }[]): Ring["points"] {
  return targets
    .flatMap(({ id, weight }) =>
      Array.from({ length: Math.min(1_000, Math.round(pointsPerTarget * weight)) }, (_, index) => ({ at: hash(`${id}#${index}`), id }))
    )
    .sort((left, right) => left.at - right.at);
}

/** All targets in the order in which the ring meets them from a point on. */
function walk(points: Ring["points"], from: number): string[] {
  let low = 0;
  for (let high = points.length; low < high;) {
    const middle = (low + high) >>> 1;
    if (points[middle]!.at < from) low = middle + 1;
    else high = middle;
  }
  const seen = new Set<string>();
  for (let step = 0; step < points.length; step++) seen.add(points[(low + step) % points.length]!.id);
  return [...seen];
}

function hash(text: string): number {
  return createHash("md5").update(text).digest().readUInt32BE(0);
}
