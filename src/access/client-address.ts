/** Who is at the other end: the connection's peer, or whom trusted proxies name. */
import type ipaddr from 'ipaddr.js';
import { type Network, parseAddress, within } from '../config/networks.ts';

/** What stands for an address that cannot be told, such as that of a connection which has just gone. */
const UNKNOWN = '';

/**
 * The client's address. `X-Forwarded-For` counts only where the peer is a trusted proxy: then its entries are read
 * from right to left, past trusted proxies, to the first address that is none of them. An entry that is no address
 * was not written by a proxy that we can trust, so whoever sent it is the client. Where every entry is a trusted
 * proxy, the leftmost is the client.
 *
 * @param peer address of the connection's other end. @param forwarded values of `X-Forwarded-For`, as they came.
 * @returns the address in its one canonical form: IPv4 in four decimals (also mapped ones), IPv6 as RFC 5952 says,
 * without zone; empty where the peer itself is unknown.
 */
export function clientAddress(
  peer: string | undefined,
  forwarded: readonly string[],
  trusted: readonly Network[],
): string {
  const direct = peer === undefined ? null : parseAddress(peer);
  if (direct === null) return UNKNOWN;
  if (trusted.length === 0 || !within(direct, trusted)) return direct.toString();
  let client = direct;
  for (const entry of forwarded.flatMap((value) => value.split(',')).reverse()) {
    const address = parseAddress(entry.trim());
    if (address === null) break;
    client = address;
    if (!within(client, trusted)) break;
  }
  return client.toString();
}

/** What one client can easily have many addresses of counts as one: the /64 of an IPv6 address. */
export function originOf(text: string): string {
  const address = parseAddress(text);
  if (address === null || address.kind() === 'ipv4') return text;
  return `${(address as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
