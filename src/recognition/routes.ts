import type { Route } from '../http/route.ts';
import { CollectionService } from './collections.ts';
import { collectionRoutes } from './collections-routes.ts';
import { ComparisonService } from './comparison.ts';
import { comparisonRoutes } from './comparison-routes.ts';
import { DetectionService } from './detection.ts';
import { detectionRoutes } from './detection-routes.ts';
import { EnrolmentService } from './enrolment.ts';
import { enrolmentRoutes } from './enrolment-routes.ts';
import { ExternalKeyService } from './external-keys.ts';
import { externalKeyRoutes } from './external-keys-routes.ts';
import { FaceRecordService } from './face-records.ts';
import { faceRecordRoutes } from './face-records-routes.ts';
import { FaceService } from './faces.ts';
import { faceRoutes } from './faces-routes.ts';
import { GallerySearch } from './gallery-search.ts';
import type { RecognitionParts } from './parts.ts';

/** Every endpoint of recognition, at work on these parts. */
export function recognitionRoutes(parts: RecognitionParts): readonly Route[] {
  const search = new GallerySearch(parts);
  return [
    ...collectionRoutes(new CollectionService(parts)),
    ...faceRoutes(new FaceService(parts, search)),
    ...enrolmentRoutes(new EnrolmentService(parts, search)),
    ...comparisonRoutes(new ComparisonService(parts, search)),
    ...detectionRoutes(new DetectionService(parts)),
    ...faceRecordRoutes(new FaceRecordService(parts, search)),
    ...externalKeyRoutes(new ExternalKeyService(parts)),
  ];
}
