/**
 * Money is counted in nanodollars, whole thousand-millionths of a US dollar: sums of them are exact, and one token of the cheapest
 * models still costs more than one. A safe integer holds nine million dollars.
 */
export const nanodollarsPerDollar = 1_000_000_000;

export function toNanodollars(dollars: number): number {
  return Math.round(dollars * nanodollarsPerDollar);
}

export function toDollars(nanodollars: number): number {
  return nanodollars / nanodollarsPerDollar;
}
