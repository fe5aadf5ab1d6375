import { isLoopback } from '../base/ip-networks.ts';
import type { Config } from './config.ts';

export function wideningSettings({ registration, access, web, metricsListen }: Config): string[] {
  const { dashboardOrigin, allowedOrigins, imageUrl } = web;
  return [
    ...(registration === 'open' ? ['registration = open'] : []),
    ...(access.sessionIdleMs > 30 * 60_000
      ? [`session_idle_minutes = ${access.sessionIdleMs / 60_000}`]
      : []),
    ...(metricsListen === null || isLoopback(metricsListen.host)
      ? []
      : [`metrics_listen = ${metricsListen.host}:${metricsListen.port}`]),
    ...access.trustedProxies.map(({ address, prefix }) => `trusted_proxies has ${address}/${prefix}`),
    ...(dashboardOrigin === null ? [] : [`dashboard_origin = ${dashboardOrigin}`]),
    ...allowedOrigins.map((origin) => `allowed_origins has ${origin}`),
    ...(imageUrl.enabled ? ['image_url.enabled'] : []),
    ...imageUrl.allow.map(
      ({ accountId, network, port }) =>
        `image_url.allow has ${network.address}/${network.prefix} port ${port} for ${accountId}`,
    ),
  ];
}
