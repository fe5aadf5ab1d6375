import { imageHeaders } from '../api/etag.ts';
import { NEXT_CURSOR, PAGING } from '../api/paging.ts';
import { type Route, route } from '../api/route.ts';
import {
  FILE,
  type FromSchema,
  nullable,
  object,
  type Properties,
  type Schema,
  titled,
} from '../api/schema.ts';
import { timeOf, UTC_TIME } from '../api/times.ts';
import { EVENT_RESULTS, EVENT_TYPES, REVIEW_STATES } from '../store/event-records.ts';
import type { EventService } from './events.ts';
import { BOUNDING_BOX, COLLECTION_ERRORS, SIMILARITY } from './face-schemas.ts';
import { COLLECTION_ID, EXTERNAL_KEY, FACE_ID, ISSUED_FACE_ID, SOURCE } from './schemas.ts';

const TAGS = ['Events'];
const ACCESS = { by: 'caller', scope: 'v1:events' } as const;

const SCORE = { type: 'number', minimum: 0, maximum: 100 } as const satisfies Schema;

const TYPE = {
  type: 'string',
  enum: EVENT_TYPES,
  description: 'The kind of call. `assign` sets or deletes an external key.',
  examples: ['search'],
} as const satisfies Schema;

const RESULT = {
  type: 'string',
  enum: EVENT_RESULTS,
  description: 'What came out. `refused` has its reason in `refusal`.',
  examples: ['match'],
} as const satisfies Schema;

const EVENT_ID = {
  type: 'string',
  pattern: '^evt_[0-9A-HJKMNP-TV-Z]{26}$',
  description: '`evt_` and 26 characters that sort by time.',
  examples: ['evt_01KF2M7Q8TC5V9XW3E6YB4NZRD'],
} as const satisfies Schema;

const REVIEW_STATE = {
  type: 'string',
  enum: REVIEW_STATES,
  description: 'What a member said: the event is right, or the member corrected it.',
  examples: ['confirmed'],
} as const satisfies Schema;

const REVIEW = {
  ...object({
    state: REVIEW_STATE,
    memberId: { type: 'string', examples: ['mem_01KF2M7Q8TC5V9XW3E6YB4NZRD'] },
    time: { ...UTC_TIME, description: 'UTC.' },
  }),
  type: ['object', 'null'],
  description: 'The last review by a member; null without one, and after the deletion of the face.',
} as const;

const EVENT = object(
  {
    id: EVENT_ID,
    time: { ...UTC_TIME, description: 'UTC.' },
    type: TYPE,
    result: RESULT,
    operation: { type: 'string', description: 'The `operationId` of the call.', examples: ['searchFace'] },
    collectionId: nullable(COLLECTION_ID, 'The collection; null for a call without one.'),
    caller: object(
      {
        kind: { type: 'string', enum: ['key', 'member'] },
        id: { type: 'string', examples: ['key_01KF2M7Q8TC5V9XW3E6YB4NZRD'] },
        name: {
          type: ['string', 'null'],
          description: 'The name of the API key now; null for members and deleted keys.',
          examples: ['entrance'],
        },
      },
      { description: 'Who called.' },
    ),
    faceId: nullable(
      ISSUED_FACE_ID,
      'The face that matched, was added, or was compared with. Null without one, and after its deletion.',
    ),
    externalKey: nullable(
      EXTERNAL_KEY,
      "The face's external key now; for a refused enrolment, the key that the call gave.",
    ),
    similarity: nullable(SIMILARITY, 'The similarity score; null without a match or comparison.'),
    threshold: nullable(SCORE, 'The `faceMatchThreshold` of the call; null if it has none.'),
    quality: nullable(SCORE, 'Quality of the face in the image; null if the call did not measure it.'),
    qualityReasons: { type: 'array', items: { type: 'string' }, description: 'What lowers the quality.' },
    refusal: {
      type: ['string', 'null'],
      description: 'Why the call was refused: `LOW_QUALITY`, `NOT_LIVE`, `UNCERTAIN_FACE`, or an error code.',
      examples: [null],
    },
    source: nullable(SOURCE, 'The `source` of the call.'),
    box: {
      ...BOUNDING_BOX,
      type: ['object', 'null'],
      description: 'The face in the image; null without one.',
    },
    hasCrop: { type: 'boolean', description: 'Whether the service keeps a crop of the face in the image.' },
    review: REVIEW,
  },
  { title: 'Event' },
);

const FILTER = {
  collectionId: COLLECTION_ID,
  type: TYPE,
  result: RESULT,
  externalKey: EXTERNAL_KEY,
  faceId: FACE_ID,
  source: SOURCE,
  review: {
    type: 'string',
    enum: [...REVIEW_STATES, 'none'],
    description: 'The review of a member; `none` for events without one.',
    examples: ['none'],
  },
  since: { ...UTC_TIME, description: 'Earliest time, UTC.' },
  until: { ...UTC_TIME, description: 'Latest time, UTC.' },
} as const satisfies Properties;

const FILTER_QUERY = object(FILTER, { required: [] });

function filterOf({ since, until, ...filter }: FromSchema<typeof FILTER_QUERY>) {
  return { ...filter, since: timeOf('since', since), until: timeOf('until', until) };
}

const ENABLED = {
  type: 'boolean',
  description: "Whether the account's calls leave events. Default: true.",
  examples: [true],
} as const satisfies Schema;

const RECORDING = object(
  {
    enabled: ENABLED,
    days: {
      type: 'integer',
      minimum: 0,
      description:
        'The setting `events_days`: how long events stay. 0 records none, whatever `enabled` says.',
      examples: [1],
    },
    cropDays: {
      type: 'integer',
      minimum: 0,
      description:
        'The setting `event_crop_days`: how long the images of faces in events stay, in collections with `storeThumbnails`, unless their `eventCropDays` is less.',
      examples: [1],
    },
  },
  { title: 'EventRecording' },
);

const WHICH =
  'An API key sees events of its environment and within its limits. Events hold the ids of a face only until the face is deleted.';

export function eventRoutes(events: EventService): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/events',
      operationId: 'listEvents',
      summary: 'List events',
      description: `Newest first: searches, enrolments, refusals, deletions. ${WHICH} A page may hold fewer events than \`limit\`, even none, while \`nextCursor\` is not null.`,
      tags: TAGS,
      access: ACCESS,
      query: object(
        { ...FILTER, cursor: PAGING.cursor, limit: { ...PAGING.limit, default: 100 } },
        { required: [] },
      ),
      responses: {
        200: {
          description: 'The events.',
          schema: titled(
            'EventPage',
            object({ events: { type: 'array', items: EVENT }, nextCursor: NEXT_CURSOR }),
          ),
        },
      },
      errors: COLLECTION_ERRORS,
      handler: async ({ caller, query: { cursor, limit, ...filter } }) => {
        return { status: 200, body: await events.list(caller, filterOf(filter), cursor, limit) };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/events/crop',
      operationId: 'getEventCrop',
      summary: 'Get the image of the face in an event',
      description:
        'A JPEG file, 224 x 224 pixels, as `GET /v1/face/thumbnail` answers it. Collections with `storeThumbnails` keep one of each event with a face for their `eventCropDays`, and until the face is deleted. Where `hasCrop` is false, and for events that the caller may not see, the answer is `NOT_FOUND`.',
      tags: TAGS,
      access: ACCESS,
      etag: 'read',
      query: object({ eventId: EVENT_ID }),
      responses: { 200: { description: 'The image.', contentType: 'image/jpeg', schema: FILE } },
      errors: ['NOT_FOUND'],
      handler: ({ caller, query }) => {
        const body = events.crop(caller, query.eventId);
        return { status: 200, body, headers: imageHeaders(body) };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/events/stream',
      operationId: 'streamEvents',
      summary: 'Receive events as they happen',
      description: `Server-sent events: \`id\` is the id of the event, \`event\` is \`event\`, and \`data\` is an event as \`GET /v1/events\` returns it. A comment follows every 15 seconds without events. After a break, the header \`Last-Event-ID\` continues behind that event; \`EventSource\` sends it by itself. The event \`gap\` says that events in between are no longer kept. The event \`review\`, without an id, is an earlier event after a member reviewed it; the filter \`review\` does not apply to it. ${WHICH} An account has at most 8 streams, the appliance 64. A stream ends with its credential.`,
      tags: TAGS,
      access: ACCESS,
      query: FILTER_QUERY,
      responses: {
        200: {
          description: 'The stream.',
          contentType: 'text/event-stream',
          schema: {
            type: 'string',
            examples: ['id: evt_01KF2M7Q8TC5V9XW3E6YB4NZRD\nevent: event\ndata: {}\n\n'],
          },
        },
      },
      errors: [...COLLECTION_ERRORS, 'OVERLOADED', 'NOT_READY'],
      handler: ({ caller, query, headers, reauthorize }) => {
        const lastEventId = headers['last-event-id']?.[0];
        const stream = events.stream(caller, filterOf(query), lastEventId, reauthorize);
        return { status: 200, body: '', stream };
      },
    }),
    route({
      method: 'PUT',
      path: '/v1/events/review',
      operationId: 'reviewEvent',
      summary: 'Confirm an event, or note its correction',
      description:
        'Remembers the member and the time; a later review replaces it, null removes it. Changes no face. The review goes with the event, and with the face that the event names. Open streams send the event again as `review`.',
      tags: TAGS,
      access: { by: 'member', role: 'member' },
      body: object({
        eventId: EVENT_ID,
        review: {
          ...REVIEW_STATE,
          type: ['string', 'null'],
          enum: [...REVIEW_STATES, null],
          description: '`confirmed`, `corrected`, or null.',
        },
      }),
      responses: { 200: { description: 'The event.', schema: EVENT } },
      errors: ['NOT_FOUND', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, body: { eventId, review } }) => {
        return { status: 200, body: await events.review(caller, eventId, review) };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/events/recording',
      operationId: 'getEventRecording',
      summary: 'Get whether the account records events',
      tags: TAGS,
      access: { by: 'member', role: 'member' },
      responses: { 200: { description: "The account's choice.", schema: RECORDING } },
      errors: [],
      handler: ({ caller }) => ({ status: 200, body: events.recording(caller) }),
    }),
    route({
      method: 'PUT',
      path: '/v1/events/recording',
      operationId: 'setEventRecording',
      summary: 'Choose whether the account records events',
      description:
        'Off: further calls of the account leave no events, no images of events and no times of last matches. In the background, the service erases those that exist, of live and test data. An erasure ends where recording is turned on again.',
      tags: TAGS,
      access: { by: 'member', role: 'admin' },
      audit: { action: 'events.recording' },
      confirmed: true,
      body: object({ enabled: ENABLED }),
      responses: { 200: { description: "The account's choice.", schema: RECORDING } },
      errors: [],
      handler: async ({ caller, body: { enabled } }) => {
        const body = await events.setRecording(caller, enabled);
        return { status: 200, body, audit: { target: enabled ? 'on' : 'off' } };
      },
    }),
  ];
}
