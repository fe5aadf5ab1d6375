import type ipaddr from 'ipaddr.js';
import { type Network, parseAddress, within } from './ip-networks.ts';

const UNKNOWN = '';

/**
 * For a trusted proxy, reads `X-Forwarded-For` from right to left up to the first untrusted address or
 * invalid entry.
 * @returns dotted IPv4 (also if mapped), or IPv6 after RFC 5952 without zone; empty for an unknown peer.
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

/** IPv4 address or IPv6 /64: one client may use many addresses of a /64. */
export function originOf(text: string): string {
  return prefixOf(text, { ipv4: 32, ipv6: 64 });
}

/** IPv4 /16 or IPv6 /32: the largest network that one organisation commonly has. */
export function networkOf(text: string): string {
  return prefixOf(text, { ipv4: 16, ipv6: 32 });
}

function prefixOf(text: string, bits: { readonly ipv4: 16 | 32; readonly ipv6: 32 | 64 }): string {
  const address = parseAddress(text);
  if (address === null) return text;
  if (address.kind() === 'ipv4') {
    if (bits.ipv4 === 32) return text;
    return `${(address as ipaddr.IPv4).octets.slice(0, bits.ipv4 / 8).join('.')}.0.0/${bits.ipv4}`;
  }
  const parts = (address as ipaddr.IPv6).parts.slice(0, bits.ipv6 / 16);
  return `${parts.map((part) => part.toString(16)).join(':')}::/${bits.ipv6}`;
}
