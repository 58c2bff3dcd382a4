import type { FidelityLoss } from "../../plugin/api/provider.ts";

export interface ToChatOptions {
  /** The backend takes reasoning of earlier turns back. */
  readonly replaysReasoning: boolean;
  readonly reportLoss: (loss: FidelityLoss) => void;
}
