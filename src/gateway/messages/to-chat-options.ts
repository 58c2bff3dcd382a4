import type { FidelityLoss, Provider } from "../../plugin/api/provider.ts";

export interface ToChatOptions {
  /** How the backend takes reasoning of earlier turns back, if it does. */
  readonly reasoningReplay: Provider["reasoningReplay"];
  /** The backend takes `cache_control` marks. */
  readonly cacheMarks: boolean;
  /** The backend takes addresses of files. */
  readonly fileAddresses: boolean;
  readonly reportLoss: (loss: FidelityLoss) => void;
}
