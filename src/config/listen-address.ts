export interface ListenAddress {
  /** Name, or IP address without brackets. */
  readonly host: string;
  /** 0: the system picks one. */
  readonly port: number;
}

/** Splits `host:port`; brackets enclose an IPv6 address. Null if invalid. */
export function parseListen(text: string): ListenAddress | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text);
  if (!match) return null;
  const port = Number(match[3]);
  const host = match[1] ?? match[2];
  return host === undefined || port > 65535 ? null : { host, port };
}
