import type { Composition } from "./compose.ts";
import type { SharedServices } from "./shared-services.ts";

/** The price data is worth its memory only for vendors that are in it, and must not delay the start. */
export async function loadPrices(
  composition: Composition,
  { prices, logger }: SharedServices,
  refresh: () => void,
): Promise<void> {
  if (prices.loaded || !composition.planned.some(({ plugin }) => plugin.priceId !== undefined)) return;
  try {
    await prices.load();
    refresh();
  } catch (error) {
    logger.warn("the price data cannot be loaded; prices of the configuration still hold", { error });
  }
}
