import type { Route } from '../http/route.ts';
import { CollectionService } from './collections.ts';
import { collectionRoutes } from './collections-routes.ts';
import { ExternalKeyService } from './external-keys.ts';
import { externalKeyRoutes } from './external-keys-routes.ts';
import { FaceService } from './faces.ts';
import { faceRoutes } from './faces-routes.ts';
import type { RecognitionParts } from './parts.ts';

/** Every endpoint of recognition, at work on these parts. */
export function recognitionRoutes(parts: RecognitionParts): readonly Route[] {
  return [
    ...collectionRoutes(new CollectionService(parts)),
    ...faceRoutes(new FaceService(parts)),
    ...externalKeyRoutes(new ExternalKeyService(parts)),
  ];
}
