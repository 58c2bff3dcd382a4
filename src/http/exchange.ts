import type { Principal } from "../auth/principal.ts";
import type { Connection } from "../lib/connection.ts";
import type { HttpServices, HttpSettings } from "./http-services.ts";

/** One request and what is known of it, handed to every route. */
export interface Exchange {
  readonly request: Request;
  readonly connection: Connection;
  readonly services: HttpServices;
  readonly settings: HttpSettings;
  readonly requestId: string;
  /** Names the decision record, should there be one. */
  readonly decisionId: string;
  /** Arrival on the monotonic clock, in milliseconds. */
  readonly arrivedAt: number;
  /** Who calls; anonymous on open routes. */
  readonly principal: Principal;
  /** Values of the path's parameters, decoded. */
  parameter(name: string): string;
  query(name: string): string | undefined;
}
