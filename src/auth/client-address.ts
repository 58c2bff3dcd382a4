import { AddressRanges } from "./address-ranges.ts";

/**
 * Tells where a request comes from. What `X-Forwarded-For` says is believed of trusted proxies only: each of them has appended the
 * address that it saw, so the last one that is no trusted proxy's own is the client's.
 */
export function clientAddressBehind(
  trustedProxies: readonly string[],
): (remoteAddress: string | undefined, headers: Headers) => string | undefined {
  if (trustedProxies.length === 0) return (remoteAddress) => remoteAddress;
  const trusted = new AddressRanges(trustedProxies);
  return (remoteAddress, headers) => {
    if (remoteAddress === undefined || !trusted.has(remoteAddress)) return remoteAddress;
    const hops = (headers.get("x-forwarded-for") ?? "").split(",").map((hop) => hop.trim());
    return hops.findLast((hop) => hop !== "" && !trusted.has(hop)) ?? remoteAddress;
  };
}
