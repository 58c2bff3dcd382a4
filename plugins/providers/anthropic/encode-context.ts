import type { InlineFiles } from "../hub/inline-files.ts";
import type { Lose } from "../hub/losses.ts";
import type { ModelTraits } from "./model-traits.ts";
import type { AnthropicOptions } from "./options.ts";

/** What the parts of the encoding share. */
export interface EncodeContext {
  readonly options: AnthropicOptions;
  readonly traits: ModelTraits;
  /** Files that the API would not fetch itself. */
  readonly files: InlineFiles;
  readonly lose: Lose;
}

/** One block of a turn; its other fields depend on its type. */
export interface Block {
  readonly type: string;
  readonly [field: string]: unknown;
}
