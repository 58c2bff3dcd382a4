import type { FidelityLoss, Provider } from "../../plugin/api/provider.ts";
import { UpstreamError } from "../../plugin/api/upstream-error.ts";

export interface ToChatOptions {
  /** How the backend takes reasoning of earlier turns back, if it does. */
  readonly reasoningReplay: Provider["reasoningReplay"];
  /** Items of the input that come from earlier turns, before the client's own. */
  readonly historyLength: number;
  /** The backend takes addresses of files. */
  readonly fileAddresses: boolean;
  readonly reportLoss: (loss: FidelityLoss) => void;
}

/** What chat completions cannot do and the client cannot do without; another target may speak the client's protocol. */
export function unsupported(param: string, message: string): UpstreamError {
  return new UpstreamError({ kind: "unsupported", code: "unsupported_parameter", param, message });
}
