import type { Boot, Data } from './boot.ts';
import type { Indexes } from './indexes.ts';
import type { NetworkListeners } from './listen.ts';
import type { Models } from './models.ts';

export interface Stages {
  readonly boot: Boot;
  readonly listeners: NetworkListeners;
  readonly data: Data;
  readonly models: Models;
  readonly indexes: Indexes;
}
