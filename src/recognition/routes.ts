import type { Route } from '../api/route.ts';
import { CollectionService } from './collections.ts';
import { collectionRoutes } from './collections-routes.ts';
import { ComparisonService } from './comparison.ts';
import { comparisonRoutes } from './comparison-routes.ts';
import { DetectionService } from './detection.ts';
import { detectionRoutes } from './detection-routes.ts';
import { EnrolmentService } from './enrolment.ts';
import { enrolmentRoutes } from './enrolment-routes.ts';
import { EventService } from './events.ts';
import { eventRoutes } from './events-routes.ts';
import { examinationRoutes } from './examination-routes.ts';
import { ExaminationService } from './examinations.ts';
import { ExternalKeyService } from './external-keys.ts';
import { externalKeyRoutes } from './external-keys-routes.ts';
import { FaceRecordService } from './face-records.ts';
import { faceRecordRoutes } from './face-records-routes.ts';
import { FaceService } from './faces.ts';
import { faceRoutes } from './faces-routes.ts';
import { GallerySearch } from './gallery-search.ts';
import { ModelService } from './models.ts';
import { modelsRoute } from './models-route.ts';
import { PeopleService } from './people.ts';
import { peopleRoutes } from './people-routes.ts';
import { RecognizeService } from './recognize.ts';
import type { RecognitionParts } from './requests.ts';

export function recognitionRoutes(parts: RecognitionParts): readonly Route[] {
  const search = new GallerySearch(parts);
  return [
    ...collectionRoutes(new CollectionService(parts)),
    ...examinationRoutes(new ExaminationService(parts)),
    ...faceRoutes(new FaceService(parts, search)),
    ...enrolmentRoutes(new EnrolmentService(parts, search)),
    ...comparisonRoutes(new ComparisonService(parts, search), new RecognizeService(parts, search)),
    ...detectionRoutes(new DetectionService(parts)),
    ...faceRecordRoutes(new FaceRecordService(parts, search)),
    modelsRoute(new ModelService(parts)),
    ...eventRoutes(new EventService(parts)),
    ...externalKeyRoutes(new ExternalKeyService(parts)),
    ...peopleRoutes(new PeopleService(parts)),
  ];
}
