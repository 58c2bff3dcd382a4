/** What exporters are given. Exporters of others read these, so a field once here stays. */
import { z } from "zod";
import { decisionSchema } from "./decision.ts";

const time = z.string().describe("When it happened, ISO 8601 in UTC.");

/** One finished inference request. Never what was said in it. */
export const requestEventSchema = z.strictObject({
  type: z.literal("request"),
  time,
  decision: decisionSchema,
});

/** An entry of the audit log; its hash is a head of the chain that nobody who changes the log can take back. */
export const auditEntrySchema = z.strictObject({
  sequence: z.number().int().min(1),
  time,
  actor: z.string().describe("Id of the key that did it, `command-line`, or `gateway`."),
  action: z.string().describe("Such as `key.create` or `config.reload`."),
  resource: z.string().describe("Such as `key:ID`."),
  outcome: z.enum(["ok", "failed"]),
  details: z.record(z.string(), z.unknown()),
  previous_hash: z.string().describe("The hash of the entry before."),
  hash: z.string().describe("SHA-256 over the hash before and this entry, in hexadecimal."),
});

export const auditEventSchema = auditEntrySchema.extend({ type: z.literal("audit") });

/** Something that somebody should look at. */
export const alertEventSchema = z.strictObject({
  type: z.literal("alert"),
  time,
  kind: z.string().describe("Such as `budget`."),
  severity: z.enum(["info", "warning", "critical"]),
  message: z.string(),
  attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

/** A target's circuit has opened or closed. */
export const breakerEventSchema = z.strictObject({
  type: z.literal("breaker"),
  time,
  target: z.string(),
  from: z.string(),
  to: z.string(),
});

export const telemetryEventSchema = z.discriminatedUnion("type", [
  requestEventSchema,
  auditEventSchema,
  alertEventSchema,
  breakerEventSchema,
]);

export const eventTypeSchema = z.enum(["request", "audit", "alert", "breaker"]);

export type RequestEvent = z.infer<typeof requestEventSchema>;
export type AuditEntry = z.infer<typeof auditEntrySchema>;
export type AuditEvent = z.infer<typeof auditEventSchema>;
export type AlertEvent = z.infer<typeof alertEventSchema>;
export type BreakerEvent = z.infer<typeof breakerEventSchema>;
export type TelemetryEvent = z.infer<typeof telemetryEventSchema>;
export type EventType = TelemetryEvent["type"];
