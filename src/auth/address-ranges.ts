import ipaddr from "ipaddr.js";

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** A set of IP addresses, given as single ones and as ranges (`10.0.0.0/8`, `2001:db8::/32`). */
export class AddressRanges {
  readonly #ranges: readonly [Address, number][];

  /** @throws {Error} for what is neither an address nor a range. */
  constructor(ranges: readonly string[]) {
    this.#ranges = ranges.map(parseRange);
  }

  /** An IPv4 address that comes in an IPv6 one (`::ffff:10.0.0.1`) counts as itself. */
  has(address: string): boolean {
    if (!ipaddr.isValid(address)) return false;
    const parsed = ipaddr.process(address);
    return this.#ranges.some((range) => contains(range, parsed, parsed.kind() === "ipv4" ? 32 : 128));
  }

  /** Whether every address of a range is among these. */
  covers(range: string): boolean {
    const [address, bits] = parseRange(range);
    return this.#ranges.some((own) => contains(own, address, bits));
  }
}

function parseRange(range: string): [Address, number] {
  if (range.includes("/")) {
    const [network, bits] = ipaddr.parseCIDR(range);
    const isMapped = network instanceof ipaddr.IPv6 && network.isIPv4MappedAddress() && bits >= 96;
    return isMapped ? [network.toIPv4Address(), bits - 96] : [network, bits];
  }
  const address = ipaddr.process(range);
  return [address, address.kind() === "ipv4" ? 32 : 128];
}

function contains([network, own]: readonly [Address, number], address: Address, bits: number): boolean {
  return network.kind() === address.kind() && own <= bits && address.match(network as never, own);
}
