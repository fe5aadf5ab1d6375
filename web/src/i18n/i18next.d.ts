import 'i18next';
import type apiKeys from './en/api-keys.json';
import type audit from './en/audit.json';
import type billing from './en/billing.json';
import type collections from './en/collections.json';
import type common from './en/common.json';
import type firstRun from './en/first-run.json';
import type live from './en/live.json';
import type members from './en/members.json';
import type overview from './en/overview.json';
import type people from './en/people.json';
import type photos from './en/photos.json';
import type system from './en/system.json';
import type tryIt from './en/try-it.json';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'common';
    resources: {
      common: typeof common;
      'api-keys': typeof apiKeys;
      audit: typeof audit;
      billing: typeof billing;
      collections: typeof collections;
      'first-run': typeof firstRun;
      live: typeof live;
      members: typeof members;
      overview: typeof overview;
      people: typeof people;
      photos: typeof photos;
      system: typeof system;
      'try-it': typeof tryIt;
    };
  }
}
